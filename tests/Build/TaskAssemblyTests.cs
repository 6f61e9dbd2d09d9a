using System.Reflection;

namespace DiffusionQuant.Build.Tests;

/// <summary>What the task assembly may ask of the MSBuild that loads it.</summary>
public sealed class TaskAssemblyTests
{
    /// <summary>The MSBuild it is compiled against, so that it calls nothing that came later.</summary>
    private const string OldestMSBuild = "17.4.0";

    private static readonly Assembly Tasks = typeof(PrepareDiffusionModels).Assembly;

    [Fact]
    public void It_is_compiled_against_the_oldest_msbuild_supported()
    {
        // Every MSBuild since 15.1 has this assembly version, so the package's tells which one it was.
        Assert.All(
            Tasks.GetReferencedAssemblies().Where(a => a.Name!.StartsWith("Microsoft.Build", StringComparison.Ordinal)),
            a => Assert.Equal(new Version(15, 1, 0, 0), a.Version)
        );
        var compiledAgainst = Tasks
            .GetCustomAttributes<AssemblyMetadataAttribute>()
            .Where(a => a.Key.StartsWith("Microsoft.Build.", StringComparison.Ordinal))
            .ToDictionary(a => a.Key, a => a.Value);
        Assert.Equal(["Microsoft.Build.Framework", "Microsoft.Build.Utilities.Core"], compiledAgainst.Keys.Order());
        Assert.All(compiledAgainst.Values, version => Assert.Equal(OldestMSBuild, version));
    }

    [Fact]
    public void It_needs_nothing_that_a_host_does_not_have() =>
        Assert.Equal(
            ["Microsoft.Build.Framework", "Microsoft.Build.Utilities.Core", "netstandard"],
            Tasks.GetReferencedAssemblies().Select(a => a.Name!).Order(StringComparer.Ordinal)
        );
}
