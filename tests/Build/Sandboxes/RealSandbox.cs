namespace DiffusionQuant.Build.Tests.Sandboxes;

/// <summary>A folder with a project of its own and its own cache, which builds with the packed packages and the real tool.</summary>
internal sealed class RealSandbox : IDisposable
{
    private const string Package = "DiffusionQuant.Build";
    private static readonly string Packages = Path.Combine(Repository.Root, "artifacts", "packages");

    public RealSandbox()
    {
        Assert.True(
            Directory.Exists(Packages) && Directory.GetFiles(Packages, $"{Package}.*.nupkg").Length > 0,
            "This test builds with the packed packages: run 'dotnet run eng/pack.cs' first (eng/test.cs does)."
        );
        Environment["DiffusionCacheDirectory"] = Path.Combine(Folder, "cache");
        Write(
            "nuget.config",
            $"""
            <configuration>
              <packageSources>
                <clear />
                <add key="nuget.org" value="https://api.nuget.org/v3/index.json" protocolVersion="3" />
                <add key="packages" value="{Packages}" />
              </packageSources>
            </configuration>
            """
        );
    }

    /// <summary>The version that was packed, which follows from the repository's tags.</summary>
    public static string PackageVersion =>
        Path.GetFileNameWithoutExtension(Directory.GetFiles(Packages, $"{Package}.*.nupkg").Single())[
            (Package.Length + 1)..
        ];

    public string Folder { get; } = Directory.CreateTempSubdirectory("diffusionquant-real-").FullName;

    /// <summary>What builds find set; MSBuild takes environment variables for properties.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    /// <summary><c>dotnet</c> in the folder.</summary>
    public Task<BuildResult> RunAsync(params string[] arguments) => DotNet.RunAsync(Folder, Environment, arguments);

    /// <summary><c>dotnet diffquant</c> in the folder, the tool that the packages were packed with.</summary>
    public Task<BuildResult> ToolAsync(params string[] arguments) =>
        RunAsync(["exec", Repository.PackedTool, .. arguments]);

    /// <summary>Copies a file or folder of the repository's sample app.</summary>
    public void CopySample(string path)
    {
        var source = Path.Combine(Repository.Root, "samples", "ImageApp", path);
        var copy = Path.Combine(Folder, path);
        if (Directory.Exists(source))
        {
            Sandbox.CopyFolder(source, copy);
        }
        else
        {
            File.Copy(source, copy);
        }
    }

    public void Write(string path, string text) => File.WriteAllText(Path.Combine(Folder, path), text);

    public string Read(string path) => File.ReadAllText(Path.Combine(Folder, path));

    public void Delete(string path) => File.Delete(Path.Combine(Folder, path));

    public bool Has(string path) => Path.Exists(Path.Combine(Folder, path));

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
