using DiffusionQuant.Build.Diagnostics;
using DiffusionQuant.Build.Files;
using DiffusionQuant.Build.Tool;
using Microsoft.Build.Framework;

namespace DiffusionQuant.Build;

/// <summary>Quantizes one model with <c>diffquant quantize</c>.</summary>
[MSBuildMultiThreadableTask]
public sealed class QuantizeDiffusionModel : DiffusionToolTask
{
    /// <summary>Whether to quantize even what the cache holds.</summary>
    public bool Force { get; set; }

    private protected override string Work => "quantizing";

    private protected override string InputFiles => Paths.InputFiles;

    private protected override void Forget() => File.Delete(Paths.Stamp);

    private protected override IEnumerable<string> Arguments(string? cacheDirectory) =>
        ToolArguments.Quantize(Model, Paths, cacheDirectory, Force);

    private protected override bool Record()
    {
        if (new[] { Paths.Description, InputFiles }.FirstOrDefault(file => !File.Exists(file)) is { } missing)
        {
            Log.Error(BuildDiagnostics.OutputMissing(Model.Include, Path.GetFileName(missing)), Model.Locate());
            return false;
        }

        foreach (var file in FileList.Under(Paths.Artifact))
        {
            // A result from the cache may be older than the one it replaces; copying to the output folder and compiling
            // both go by time.
            file.LastWriteTimeUtc = DateTime.UtcNow;
        }

        FileList.Write(Paths.Outputs, Paths.Artifact);
        AtomicFile.Write(Paths.Stamp, "");
        return true;
    }
}
