using System.Globalization;
using System.Text.Json;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Search;
using DiffusionQuant.Tool.Output;
using DiffusionQuant.Tool.Progress;

namespace DiffusionQuant.Tool.Caching;

/// <summary>The sensitivities of one model's layers, with a cache or without.</summary>
internal sealed class SensitivityJob(
    ToolHost host,
    Reporter reporter,
    ArtifactCache? cache,
    SensitivityRequest request,
    string? progressFile
) : IDisposable
{
    private readonly ProgressHub progress = ProgressHub.Create(host, reporter, progressFile);
    private SensitivityAnalysis? analysis;

    /// <summary>Rules of which a warning tells those that match no layer.</summary>
    public IReadOnlyList<LayerRule> Rules { get; init; } = [];

    /// <summary>Takes the sensitivities from the cache, or measures them. A run that was killed goes on where it was.</summary>
    /// <param name="device">What computes.</param>
    /// <param name="force">Whether to measure even what the cache holds.</param>
    /// <param name="cancellation">Stops it; what was measured is kept for the next run.</param>
    /// <returns>The sensitivities, and whether this run measured them.</returns>
    public async Task<(SensitivityTable Table, bool IsNew)> FindOrMeasureAsync(
        Device device,
        bool force,
        CancellationToken cancellation
    )
    {
        if (cache is null)
        {
            return (Open(null, cancellation).Measure(), true);
        }

        var key = await CacheKey.ComputeAsync(
            ModelFiles.Find(request.ModelPath, request.Recipe).Content,
            [
                "sensitivities",
                request.Recipe.Hash,
                string.Join(',', request.Widths.Select(w => w.ToString(CultureInfo.InvariantCulture))),
                $"{SensitivityRequest.AlgorithmVersion} {Quantizer.AlgorithmVersion}",
                RuntimeVersion.Current,
                device.Kind.ToString(),
            ],
            cancellation
        );
        SensitivityTable? measured = null;
        var (folder, isNew) = await cache.FindOrMakeAsync(
            key,
            force,
            reporter,
            entry =>
            {
                var unfinished = cache.UnfinishedFolder(key);
                if (force)
                {
                    Folders.Delete(unfinished);
                }

                measured = Open(unfinished, cancellation).Measure();
                File.WriteAllText(Path.Combine(entry, SensitivityTable.FileName), measured.ToJson());
                Folders.Delete(unfinished);
                return Task.CompletedTask;
            },
            cancellation
        );
        return (measured ?? Read(Path.Combine(folder, SensitivityTable.FileName)), isNew);
    }

    /// <summary>The loaded and sampled model, to measure what the cache does not know.</summary>
    public SensitivityAnalysis Open(CancellationToken cancellation) => Open(null, cancellation);

    /// <summary>Tells views and files of progress that all is done.</summary>
    public void SayDone() => progress.Report("done", 1);

    public void Dispose()
    {
        analysis?.Dispose();
        progress.Dispose();
    }

    private SensitivityAnalysis Open(string? workFolder, CancellationToken cancellation)
    {
        analysis ??= SensitivityAnalysis.Open(request with { WorkFolder = workFolder }, progress, cancellation);
        if (UnmatchedRules.Find(request.ModelPath, Rules, analysis.Layers) is { } unmatched)
        {
            reporter.Warn(unmatched);
        }

        return analysis;
    }

    private static SensitivityTable Read(string path)
    {
        try
        {
            return SensitivityTable.Parse(File.ReadAllText(path));
        }
        catch (JsonException e)
        {
            // The entry is whole, as its manifest says, so it was written like that.
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
    }
}
