using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Onnx.Serialization;
using DiffusionQuant.Tool.Caching;
using DiffusionQuant.Tool.Output;
using DiffusionQuant.Tool.Progress;

namespace DiffusionQuant.Tool.Evaluating;

/// <summary>One evaluation, with a cache or without. What the float model gives is kept for itself, so that it is computed
/// once for all recipes; what a quantized model gives is kept too, so that a clean build measures nothing twice.</summary>
internal sealed class EvaluationJob(ToolHost host, Reporter reporter, ArtifactCache? cache)
{
    // The float model is slower than the quantized one, which runs along its trajectories besides.
    private const double FloatShare = 0.5;
    private const double SpeedShare = 0.03;
    private const string PartFile = "part" + EvaluationPart.Extension;

    /// <summary>Where progress is written for other programs; null for nowhere.</summary>
    public string? ProgressFile { get; init; }

    /// <summary>Whether to measure what the cache holds all the same.</summary>
    public bool Force { get; init; }

    /// <summary>Measures a part of a run, or all of it.</summary>
    /// <param name="setup">The run.</param>
    /// <param name="workFolder">A folder beside the results, where a killed run leaves what it had; removed in the end.</param>
    /// <param name="measuresSpeed">Whether to time the models' steps, which no cache can answer.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<EvaluationPart> RunAsync(
        EvaluationSetup setup,
        string workFolder,
        bool measuresSpeed,
        CancellationToken cancellation
    )
    {
        using var progress = ProgressHub.Create(host, reporter, ProgressFile);
        progress.Report("Evaluating", 0);
        EvaluationPart part;
        try
        {
            part = cache is null
                ? await MeasureAsync(setup, workFolder, progress, cancellation)
                : await FromCacheAsync(cache, setup, workFolder, progress, cancellation);
        }
        catch
        {
            // Of a run that could not begin nothing stays.
            Folders.DeleteEmpty(workFolder);
            throw;
        }

        // The cache may hold what another command measured.
        var header = setup.Header;
        if (measuresSpeed && setup.HasFloat)
        {
            progress.Report("timing steps", 1 - SpeedShare);
            header = header with { Speed = Evaluator.MeasureSpeed(setup, cancellation) };
        }

        progress.Report("done", 1);
        Folders.Delete(workFolder);
        return part with { Header = header };
    }

    private async Task<EvaluationPart> FromCacheAsync(
        ArtifactCache cache,
        EvaluationSetup setup,
        string workFolder,
        ProgressHub progress,
        CancellationToken cancellation
    )
    {
        EvaluationPart? made = null;
        var (folder, _) = await cache.FindOrMakeAsync(
            Key("part", setup.PartKey),
            Force,
            reporter,
            async entry =>
            {
                made = await MeasureAsync(setup, workFolder, progress, cancellation);
                made.Save(Path.Combine(entry, PartFile));
            },
            cancellation
        );
        return made ?? EvaluationPart.Load(Path.Combine(folder, PartFile));
    }

    private async Task<EvaluationPart> MeasureAsync(
        EvaluationSetup setup,
        string workFolder,
        ProgressHub progress,
        CancellationToken cancellation
    )
    {
        var baseline = setup.HasFloat ? await BaselineAsync(setup, workFolder, progress, cancellation) : null;
        var start = baseline is { IsNew: true } ? FloatShare : 0;
        return Evaluator.Measure(
            setup,
            baseline?.Folder,
            workFolder,
            new StagedProgress(progress, start, 1 - SpeedShare - start),
            cancellation
        );
    }

    private async Task<(string Folder, bool IsNew)?> BaselineAsync(
        EvaluationSetup setup,
        string workFolder,
        ProgressHub progress,
        CancellationToken cancellation
    )
    {
        if (cache is not null)
        {
            // Another quantized model does not ask for the float model again: --force is not for it.
            return await cache.FindOrMakeAsync(
                Key("float", setup.BaselineKey),
                force: false,
                reporter,
                folder =>
                {
                    Make(folder);
                    return Task.CompletedTask;
                },
                cancellation
            );
        }

        // It gets its name when it is whole: a run that was killed behind it need not make it again.
        var own = Path.Combine(workFolder, "float");
        if (Directory.Exists(own))
        {
            return (own, false);
        }

        var unfinished = UnfinishedWork.Begin($"{own}.tmp");
        try
        {
            Folders.Delete(unfinished);
            Directory.CreateDirectory(unfinished);
            Make(unfinished);
            Directory.Move(unfinished, own);
            return (own, true);
        }
        finally
        {
            Folders.Delete(unfinished);
            UnfinishedWork.End(unfinished);
        }

        void Make(string folder) =>
            Evaluator.MakeBaseline(
                setup,
                folder,
                workFolder,
                new StagedProgress(progress, 0, FloatShare),
                cancellation
            );
    }

    private static string Key(string kind, string key) => $"{kind}-{Evaluator.AlgorithmVersion}-{key}";
}
