using System.Diagnostics;

namespace DiffusionQuant.Build.Tests.Sandboxes;

/// <summary>
/// A folder with a project <c>App</c> of its own, its own cache and the fake tool, in which real builds run.
/// </summary>
internal sealed class Sandbox
{
    private static int count;
    private readonly string targetFrameworks;

    private Sandbox(string folder, string targetFrameworks)
    {
        Folder = folder;
        this.targetFrameworks = targetFrameworks;
        Environment["DiffusionQuantToolPath"] = Repository.FakeTool;
        Environment["DiffusionCacheDirectory"] = Path.Combine(folder, "cache");
        Environment["FAKE_DIFFQUANT_LOG"] = Path.Combine(folder, "tool.log");
    }

    public string Folder { get; }

    public string AppFolder => Path.Combine(Folder, "App");

    /// <summary>What builds find set; MSBuild takes environment variables for properties.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    /// <summary>The runs of <c>quantize</c> that came to an end without an error.</summary>
    public IReadOnlyList<ToolRun> Runs => Logged("quantize", ended: true);

    /// <summary>The starts of <c>quantize</c>, however they ended.</summary>
    public IReadOnlyList<ToolRun> Starts => Logged("quantize", ended: false);

    /// <summary>The starts of <c>verify</c>, however they ended.</summary>
    public IReadOnlyList<ToolRun> Verifications => Logged("verify", ended: false);

    public static async Task<Sandbox> CreateAsync(string targetFrameworks = "net10.0")
    {
        var template = await Feed.TemplateAsync(targetFrameworks);
        var sandbox = new Sandbox(Path.Combine(Feed.Root, $"s{Interlocked.Increment(ref count)}"), targetFrameworks);
        CopyFolder(Path.Combine(template, "obj"), Path.Combine(sandbox.AppFolder, "obj"));
        sandbox.Write("App/Program.cs", "System.Console.WriteLine(\"hello\");");
        sandbox.WriteModel("ddpm-fashion");
        return sandbox;
    }

    /// <summary>The same folder once more, as another clone of the repository would be; it shares the cache.</summary>
    public Sandbox Clone()
    {
        var clone = new Sandbox(Path.Combine(Feed.Root, $"s{Interlocked.Increment(ref count)}"), targetFrameworks);
        CopyFolder(AppFolder, clone.AppFolder);
        clone.Environment["DiffusionCacheDirectory"] = Environment["DiffusionCacheDirectory"];
        return clone;
    }

    /// <summary>Writes the project file; lines of <paramref name="items"/> begin on <see cref="ProjectText.ItemsLine"/>.</summary>
    public void WriteProject(string items, string properties = "", string outputType = "Exe") =>
        Write("App/App.csproj", ProjectText.Of(targetFrameworks, items, properties, outputType));

    public void WriteModel(string name, string weights = "weights") =>
        Write($"App/Models/{name}/unet/model.onnx", weights);

    public void Write(string path, string text)
    {
        var file = Path.Combine(Folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }

    public string Read(string path) => File.ReadAllText(Path.Combine(Folder, path));

    public bool Has(string path) => Path.Exists(Path.Combine(Folder, path));

    /// <summary><c>dotnet build</c> of the app, without restoring.</summary>
    public Task<BuildResult> BuildAsync(params string[] arguments) =>
        DotNetAsync(["build", "App", "--no-restore", "-tl:off", .. arguments]);

    public Task<BuildResult> DotNetAsync(params string[] arguments) => DotNet.RunAsync(Folder, Environment, arguments);

    /// <summary>A program that a build made.</summary>
    public async Task<BuildResult> RunAsync(string program)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in Environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        return await DotNet.FinishAsync(process);
    }

    public Process Start(params string[] arguments) => DotNet.Start(Folder, Environment, arguments);

    private List<ToolRun> Logged(string command, bool ended) =>
        ToolRun
            .Read(Environment["FAKE_DIFFQUANT_LOG"])
            .Where(run => run.Command == command && run.Ended == ended)
            .ToList();

    public static void CopyFolder(string source, string destination)
    {
        foreach (var file in Directory.GetFiles(source, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(destination, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }
}
