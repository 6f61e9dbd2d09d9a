namespace DiffusionQuant.Build.Tests.Sandboxes;

/// <summary>
/// The packages under test in a folder feed, packed once for all tests, and projects restored from it. All of it lies
/// outside the repository, so that its props do not reach the projects under test.
/// </summary>
internal static class Feed
{
    private static readonly Lazy<Task<string>> Packed = new(PackAsync);
    private static readonly Dictionary<string, Task<string>> Templates = [];

    // Unlike any version a developer may have restored before.
    public static string PackageVersion { get; } = $"0.0.0-test.{DateTime.UtcNow:yyyyMMddHHmmss}";

    /// <summary>A folder with everything in it.</summary>
    public static string Root { get; } = Directory.CreateTempSubdirectory("diffusionquant-build-tests-").FullName;

    /// <summary>
    /// A folder with the <c>obj</c> of a restored project <c>App.csproj</c> for the given frameworks. Restoring takes longer
    /// than most tests, and the result may be copied.
    /// </summary>
    public static Task<string> TemplateAsync(string targetFrameworks)
    {
        lock (Templates)
        {
            return Templates.TryGetValue(targetFrameworks, out var template)
                ? template
                : Templates[targetFrameworks] = RestoreAsync(targetFrameworks);
        }
    }

    private static async Task<string> RestoreAsync(string targetFrameworks)
    {
        await Packed.Value;
        var folder = Path.Combine(Root, $"template-{targetFrameworks.Replace(';', '-')}");
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "App.csproj"), ProjectText.Of(targetFrameworks));
        (await DotNet.RunAsync(folder, new Dictionary<string, string>(), ["restore"])).Succeeds();
        return folder;
    }

    private static async Task<string> PackAsync()
    {
        AppDomain.CurrentDomain.ProcessExit += (_, _) => DeleteAll();
        // Packages of nuget.org (reference packs of older frameworks) come from the user's own folder if they are there.
        var packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES");
        packages ??= Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget/packages");
        await File.WriteAllTextAsync(
            Path.Combine(Root, "nuget.config"),
            $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="packages" /></config>
              <fallbackPackageFolders><clear />{(
                Directory.Exists(packages) ? $"<add key='user' value='{packages}' />" : ""
            )}</fallbackPackageFolders>
              <packageSources>
                <clear />
                <add key="feed" value="feed" />
                <add key="nuget.org" value="https://api.nuget.org/v3/index.json" />
              </packageSources>
              <packageSourceMapping>
                <packageSource key="feed"><package pattern="DiffusionQuant.*" /></packageSource>
                <packageSource key="nuget.org"><package pattern="*" /></packageSource>
              </packageSourceMapping>
            </configuration>
            """
        );
        await PackAsync("src/Tasks/Tasks.csproj");
        await PackAsync("tests/Build/Fakes/Diffusion/FakeDiffusion.csproj");
        return Root;
    }

    private static async Task PackAsync(string project)
    {
        string[] arguments =
        [
            "pack",
            project,
            "--no-build",
            "--configuration",
            Repository.Configuration,
            "--output",
            Path.Combine(Root, "feed"),
            $"-p:PackageVersion={PackageVersion}",
            $"-p:MinVerVersionOverride={PackageVersion}",
            "-p:PackTool=false",
            "-p:IsPackable=true",
        ];
        (await DotNet.RunAsync(Repository.Root, new Dictionary<string, string>(), arguments)).Succeeds();
    }

    private static void DeleteAll()
    {
        try
        {
            Directory.Delete(Root, recursive: true);
        }
        catch (IOException)
        {
            // A compiler server may still hold a file; the system clears its temporary folder.
        }
    }
}
