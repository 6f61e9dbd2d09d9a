using DiffusionQuant.Build.Tests.Sandboxes;

namespace DiffusionQuant.Build.Tests;

/// <summary>The version that packages get, from a clone's tags or without them.</summary>
public sealed class VersionTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("diffusionquant-version-").FullName;

    [Fact]
    public async Task A_source_archive_without_git_has_the_version_to_come()
    {
        Copy();
        Assert.Equal("0.1.0-alpha.0", await VersionAsync());
    }

    [GitFact]
    public async Task A_clone_has_its_tags_version_or_that_of_its_height()
    {
        Copy();
        await GitAsync("init", "-q");
        await GitAsync("add", ".");
        await CommitAsync();
        Assert.StartsWith("0.1.0-alpha.0", await VersionAsync(), StringComparison.Ordinal);
        await GitAsync("tag", "v9.8.7");
        Assert.Equal("9.8.7", await VersionAsync());
        await CommitAsync();
        Assert.Equal("9.8.8-alpha.0.1", await VersionAsync());
    }

    public void Dispose()
    {
        // Git writes its objects read-only, which Windows would not delete.
        foreach (var file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories))
        {
            File.SetAttributes(file, FileAttributes.Normal);
        }

        Directory.Delete(folder, recursive: true);
    }

    /// <summary>A project below the repository's own settings.</summary>
    private void Copy()
    {
        Directory.CreateDirectory(Path.Combine(folder, "src/Some"));
        foreach (
            var file in new[]
            {
                "Directory.Build.props",
                "Directory.Packages.props",
                "nuget.config",
                "src/Directory.Build.props",
            }
        )
        {
            File.Copy(Path.Combine(Repository.Root, file), Path.Combine(folder, file));
        }

        File.WriteAllText(Path.Combine(folder, "src/Some/Some.csproj"), """<Project Sdk="Microsoft.NET.Sdk" />""");
    }

    private async Task<string> VersionAsync()
    {
        var project = Path.Combine("src", "Some", "Some.csproj");
        string[] asked = ["-restore", "-target:MinVer", "-getProperty:PackageVersion", "-nologo"];
        var none = new Dictionary<string, string>();
        return (await DotNet.RunAsync(folder, none, ["msbuild", project, .. asked])).Succeeds().Output.Trim();
    }

    private Task CommitAsync() =>
        GitAsync("-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", "m");

    private async Task GitAsync(params string[] arguments)
    {
        using var git = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("git", arguments) { WorkingDirectory = folder }
        )!;
        await git.WaitForExitAsync();
        Assert.Equal(0, git.ExitCode);
    }

    private sealed class GitFactAttribute : FactAttribute
    {
        public GitFactAttribute()
        {
            var folders = Environment.GetEnvironmentVariable("PATH")?.Split(Path.PathSeparator) ?? [];
            if (!folders.Any(f => File.Exists(Path.Combine(f, "git")) || File.Exists(Path.Combine(f, "git.exe"))))
            {
                Skip = "There is no Git on the PATH.";
            }
        }
    }
}
