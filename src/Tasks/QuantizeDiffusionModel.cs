using System.Text;
using DiffusionQuant.Build.Diagnostics;
using DiffusionQuant.Build.Files;
using DiffusionQuant.Build.Models;
using DiffusionQuant.Build.Tool;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace DiffusionQuant.Build;

/// <summary>
/// Quantizes one model by starting the tool in a process of its own: no native library is ever loaded into MSBuild, whose
/// processes outlive a build and would keep it, its version and its device memory. Cancelling the build kills the tool.
/// </summary>
[MSBuildMultiThreadableTask]
public sealed class QuantizeDiffusionModel : ToolTask
{
    // The exit code of `dotnet exec` where hostfxr finds no framework that fits (0x80008096, cut to a byte on Unix).
    private const int FrameworkMissing = unchecked((int)0x80008096);
    private const int KeptLines = 5;

    private readonly Queue<string> lastLines = new();
    private ModelJob job = null!;

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

    /// <summary>Whether to quantize even what the cache holds.</summary>
    public bool Force { get; set; }

    /// <summary>After how many seconds to tell the user that this takes long; 0 for never.</summary>
    public int NoticeSeconds { get; set; }

    /// <inheritdoc />
    protected override string ToolName => Path.GetFileName(Host);

    /// <inheritdoc />
    protected override Encoding StandardOutputEncoding => Encoding.UTF8;

    /// <inheritdoc />
    protected override Encoding StandardErrorEncoding => Encoding.UTF8;

    private string ToolDll => Absolute(QuantizerPath);

    private string Host => string.IsNullOrEmpty(DotNetHost) ? "dotnet" : DotNetHost!;

    /// <inheritdoc />
    public override bool Execute()
    {
        job = ModelJob.Of(Job, ProjectDirectory);
        if (!File.Exists(ToolDll))
        {
            Log.Error(BuildDiagnostics.ToolNotFound(job.Model.Include, ToolDll), job.Model.Locate());
            return false;
        }

        // From here to the new stamp the result counts as missing, however this build may end.
        File.Delete(job.Paths.Stamp);
        File.Delete(job.Paths.Progress);
        if (!string.IsNullOrEmpty(CudaNativePath))
        {
            EnvironmentVariables = [$"DIFFUSIONQUANT_CUDA_PATH={CudaNativePath}"];
        }

        using (StartNotice())
        {
            return base.Execute() && RecordOutputs();
        }
    }

    /// <inheritdoc />
    protected override string GenerateFullPathToTool() => Host;

    /// <inheritdoc />
    protected override string GetWorkingDirectory() => ProjectDirectory;

    /// <inheritdoc />
    protected override string GenerateCommandLineCommands()
    {
        var cache = string.IsNullOrEmpty(CacheDirectory) ? null : Absolute(CacheDirectory!);
        var quantize = ToolArguments.Quantize(job.Model, job.Paths, cache, Force);
        return ToolArguments.Join(["exec", ToolDll, .. quantize]);
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
                        ? BuildDiagnostics.ToolFault(job.Model.Include, line.Text)
                        : new Diagnostic(line.Code, line.Text),
                    job.Model.Locate()
                );
                break;
            case ToolLineKind.Warning:
                Log.Warning(new Diagnostic(line.Code ?? "", line.Text), job.Model.Locate());
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
                ? BuildDiagnostics.RuntimeMissing(job.Model.Include, Host)
                : BuildDiagnostics.ToolFailed(job.Model.Include, ExitCode, string.Join(" | ", lastLines));
            Log.Error(problem, job.Model.Locate());
        }

        return false;
    }

    private bool RecordOutputs()
    {
        var artifact = new DirectoryInfo(job.Paths.Artifact);
        var files = artifact.Exists ? artifact.GetFiles("*", SearchOption.AllDirectories) : [];
        if (!files.Any(file => file.Name == "model.onnx"))
        {
            Log.Error(BuildDiagnostics.OutputMissing(job.Model.Include, "model.onnx"), job.Model.Locate());
            return false;
        }

        foreach (var file in files)
        {
            // A result from the cache may be older than the one it replaces; copying to the output folder and compiling
            // both go by time.
            file.LastWriteTimeUtc = DateTime.UtcNow;
        }

        var prefix = artifact.FullName.TrimEnd(Path.DirectorySeparatorChar).Length + 1;
        var lines = files.Select(file => file.FullName.Substring(prefix).Replace('\\', '/'));
        AtomicFile.Write(job.Paths.Outputs, string.Join("\n", lines.OrderBy(l => l, StringComparer.Ordinal)) + "\n");
        AtomicFile.Write(job.Paths.Stamp, "");
        return true;
    }

    /// <summary>
    /// Tells a log's reader once that nothing hangs. A terminal does not show messages, but the running target and its time.
    /// A result from the cache comes sooner than the notice.
    /// </summary>
    private Timer? StartNotice()
    {
        var notice = BuildDiagnostics.TakesLong(job.Model.Include, job.Paths.Progress);
        return NoticeSeconds > 0
            ? new Timer(_ => Log.Message(notice, job.Model.Locate()), null, NoticeSeconds * 1000, -1)
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
