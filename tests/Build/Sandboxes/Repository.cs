using System.Reflection;

namespace DiffusionQuant.Build.Tests.Sandboxes;

/// <summary>Where this repository and its build outputs are.</summary>
internal static class Repository
{
    /// <summary>The configuration that the tests were built in, hence the projects they use too.</summary>
    public static string Configuration { get; } =
        typeof(Repository).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;

    public static string Root { get; } = FindRoot();

    public static string FakeTool =>
        Path.Combine(Root, "tests/Build/Fakes/Tool/bin", Configuration, "net10.0/fake-diffquant.dll");

    /// <summary>The real tool as it was packed, which is always a release.</summary>
    public static string PackedTool => Path.Combine(Root, "src/Tool/bin/Release/net10.0/publish/diffquant.dll");

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "DiffusionQuant.Build.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("Not below the repository.");
        }

        return folder;
    }
}
