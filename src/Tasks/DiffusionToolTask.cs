using System.Text;
using DiffusionQuant.Build.Diagnostics;
using DiffusionQuant.Build.Files;
using DiffusionQuant.Build.Models;
using DiffusionQuant.Build.Tool;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace DiffusionQuant.Build;

/// <summary>
/// Runs a command of the tool for one model, in a process of its own: no native library is ever loaded into MSBuild, whose
/// processes outlive a build and would keep it, its version and its device memory. The tool's lines become messages at the
/// item's place in the project file. Cancelling the build kills the tool.
/// </summary>
public abstract class DiffusionToolTask : ToolTask
{
    // The exit code of `dotnet exec` where hostfxr finds no framework that fits (0x80008096, cut to a byte on Unix).
    private const int FrameworkMissing = unchecked((int)0x80008096);
    private const int KeptLines = 5;

    private readonly Queue<string> lastLines = new();

    /// <summary>One job of <see cref="PrepareDiffusionModels"/>.</summary>
    [Required]
    public ITaskItem Job { get; set; } = null!;

    /// <summary>The project's folder, absolute.</summary>
    [Required]
    public string ProjectDirectory { get; set; } = "";

    /// <summary>The content-addressed cache, relative to the project or absolute; empty for the tool's default.</summary>
    public string? CacheDirectory { get; set; }

    /// <summary>Path of <c>diffquant.dll</c>.</summary>
    [Required]
    public string QuantizerPath { get; set; } = "";

    /// <summary>Path of the <c>dotnet</c> that runs it; empty for the one on the path.</summary>
    public string? DotNetHost { get; set; }

    /// <summary>Native CUDA libraries for the tool, or empty.</summary>
    public string? CudaNativePath { get; set; }

    /// <summary>After how many seconds to tell the user that this takes long; 0 for never.</summary>
    public int NoticeSeconds { get; set; }

    /// <inheritdoc />
    protected override string ToolName => Path.GetFileName(Host);

    /// <inheritdoc />
    protected override Encoding StandardOutputEncoding => Encoding.UTF8;

    /// <inheritdoc />
    protected override Encoding StandardErrorEncoding => Encoding.UTF8;

    /// <summary>The model's item.</summary>
    private protected ModelItem Model { get; private set; } = null!;

    /// <summary>Where its files go.</summary>
    private protected ModelPaths Paths { get; private set; } = null!;

    /// <summary>What the tool does, for the message that it takes long: <c>quantizing</c>.</summary>
    private protected abstract string Work { get; }

    private string ToolDll => Absolute(QuantizerPath);

    private string Host => string.IsNullOrEmpty(DotNetHost) ? "dotnet" : DotNetHost!;

    /// <inheritdoc />
    public override bool Execute()
    {
        var job = ModelJob.Of(Job, ProjectDirectory);
        (Model, Paths) = (job.Model, job.Paths);
        if (!File.Exists(ToolDll))
        {
            Log.Error(BuildDiagnostics.ToolNotFound(Model.Include, ToolDll), Model.Locate());
            return false;
        }

        Forget();
        File.Delete(Paths.Progress);
        File.Delete(InputFiles);
        if (!string.IsNullOrEmpty(CudaNativePath))
        {
            EnvironmentVariables = [$"DIFFUSIONQUANT_CUDA_PATH={CudaNativePath}"];
        }

        using (StartNotice())
        {
            var isGood = base.Execute();
            Ended();
            return isGood && Record();
        }
    }

    /// <summary>Where the tool writes which files it read.</summary>
    private protected abstract string InputFiles { get; }

    /// <summary>Takes away the stamp: from here to the new one the result counts as missing, however this build may end.</summary>
    private protected abstract void Forget();

    /// <summary>The tool's command and its arguments.</summary>
    /// <param name="cacheDirectory">The cache, absolute; null for the tool's default.</param>
    private protected abstract IEnumerable<string> Arguments(string? cacheDirectory);

    /// <summary>Comes after the tool has ended, however it did.</summary>
    private protected virtual void Ended() { }

    /// <summary>Writes down what the tool made, after it ended well; false, with an error logged, where something is missing.</summary>
    private protected abstract bool Record();

    /// <inheritdoc />
    protected override string GenerateFullPathToTool() => Host;

    /// <inheritdoc />
    protected override string GetWorkingDirectory() => ProjectDirectory;

    /// <inheritdoc />
    protected override string GenerateCommandLineCommands()
    {
        var cache = string.IsNullOrEmpty(CacheDirectory) ? null : Absolute(CacheDirectory!);
        return ToolArguments.Join(["exec", ToolDll, .. Arguments(cache)]);
    }

    /// <inheritdoc />
    protected override void LogToolCommand(string message) => Log.LogCommandLine(MessageImportance.Low, message);

    /// <inheritdoc />
    protected override void LogEventsFromTextOutput(string singleLine, MessageImportance messageImportance)
    {
        var line = ToolLine.Parse(singleLine);
        switch (line.Kind)
        {
            case ToolLineKind.Error:
                Log.Error(
                    line.Code is null
                        ? BuildDiagnostics.ToolFault(Model.Include, line.Text)
                        : new Diagnostic(line.Code, line.Text),
                    Model.Locate()
                );
                break;
            case ToolLineKind.Warning:
                Log.Warning(new Diagnostic(line.Code ?? "", line.Text), Model.Locate());
                break;
            case ToolLineKind.Information when line.Code is not null:
                Log.Message(new Diagnostic(line.Code, line.Text), Model.Locate());
                break;
            case ToolLineKind.Information:
                Log.LogMessage(MessageImportance.High, "{0}", line.Text);
                break;
            case ToolLineKind.Verbose or ToolLineKind.Data:
                Log.LogMessage(MessageImportance.Low, "{0}", line.Text);
                break;
            default:
                Keep(line.Text);
                Log.LogMessage(MessageImportance.Normal, "{0}", line.Text);
                break;
        }
    }

    /// <inheritdoc />
    protected override bool HandleTaskExecutionErrors()
    {
        if (!Log.HasLoggedErrors)
        {
            var problem = ExitCode is FrameworkMissing or (FrameworkMissing & 0xFF)
                ? BuildDiagnostics.RuntimeMissing(Model.Include, Host)
                : BuildDiagnostics.ToolFailed(Model.Include, ExitCode, string.Join(" | ", lastLines));
            Log.Error(problem, Model.Locate());
        }

        return false;
    }

    /// <summary>
    /// Tells a log's reader once that nothing hangs. A terminal does not show messages, but the running target and its time.
    /// A result from the cache comes sooner than the notice.
    /// </summary>
    private Timer? StartNotice()
    {
        var notice = BuildDiagnostics.TakesLong(Model.Include, Work, Paths.Progress);
        return NoticeSeconds > 0
            ? new Timer(_ => Log.Message(notice, Model.Locate()), null, NoticeSeconds * 1000, -1)
            : null;
    }

    private string Absolute(string path) => Path.GetFullPath(Path.Combine(ProjectDirectory, path));

    private void Keep(string line)
    {
        if (line.Trim().Length == 0)
        {
            return;
        }

        lastLines.Enqueue(line.Trim());
        if (lastLines.Count > KeptLines)
        {
            lastLines.Dequeue();
        }
    }
}
