using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Evaluation.Snapshots;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Search;
using DiffusionQuant.Tool.Caching;
using DiffusionQuant.Tool.Evaluating;
using DiffusionQuant.Tool.Output;

namespace DiffusionQuant.Tool.Fallback;

/// <summary>
/// Quantizes a model with as few layers raised as make its limits hold: a bisection over the order of layers' sensitivity, so
/// that it takes about log2 of their number of quantizations and evaluations. All of them are kept in the cache, so that a
/// killed run goes on and a repeated one only looks up.
/// </summary>
internal sealed class FallbackJob(
    ToolHost host,
    Reporter reporter,
    ArtifactCache cache,
    FallbackSettings settings,
    Func<Recipe, QuantizeJob> quantizing
)
{
    private readonly List<FallbackTrial> trials = [];

    /// <summary>Where progress is written for other programs; null for nowhere.</summary>
    public string? ProgressFile { get; init; }

    /// <summary>Is told of the files that measuring reads; null for nobody.</summary>
    public InputFiles? Inputs { get; init; }

    /// <summary>Looks for the fewest steps.</summary>
    /// <param name="recipe">What is raised.</param>
    /// <param name="device">What computes.</param>
    /// <param name="force">Whether to quantize even what the cache holds.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ2004: a limit's metric cannot be measured.</exception>
    public async Task<FallbackOutcome> RunAsync(
        Recipe recipe,
        Device device,
        bool force,
        CancellationToken cancellation
    )
    {
        var plain = await TryAsync(recipe, 0);
        if (plain.Trial.Holds)
        {
            return Outcome(plain, null);
        }

        var ladder = FallbackLadder.Of(await SensitivitiesAsync(), recipe);
        reporter.Note(
            $"Fallback: {Told(plain.Trial)} The {ladder.Count} steps up are searched by bisection: at most {1 + (int)Math.Ceiling(Math.Log2(Math.Max(ladder.Count, 1)))} further quantizations and evaluations like this one."
        );
        // More bits are taken not to be worse; so between a number of steps that fails and one that holds lies the fewest.
        var (fails, holds) = (0, ladder.Count);
        Attempt? best = null;
        while (holds - fails > 1)
        {
            var middle = (fails + holds) / 2;
            var attempt = await TryAsync(ladder.Raise(recipe, middle), middle);
            reporter.Note($"Fallback: {middle} of {ladder.Count} steps up. {Told(attempt.Trial)}");
            (fails, holds, best) = attempt.Trial.Holds ? (fails, middle, attempt) : (middle, holds, best);
        }

        best ??= ladder.Count == 0 ? plain : await TryAsync(ladder.Raise(recipe, ladder.Count), ladder.Count);
        return Outcome(best, ladder);

        async Task<Attempt> TryAsync(Recipe tried, int steps)
        {
            var job = quantizing(tried);
            var key = await job.FindKeyAsync(device, cancellation);
            var (folder, isNew) = await job.FindOrMakeAsync(cache, key, device, force, cancellation);
            var trial = await JudgeAsync(folder, steps, cancellation);
            trials.Add(trial);
            return new(tried, folder, key, isNew, trial);
        }

        async Task<SensitivityTable> SensitivitiesAsync()
        {
            var request = new SensitivityRequest(
                settings.Measurement.FloatPath!,
                recipe,
                SensitivityRequest.UsualPairs,
                SensitivityRequest.UsualWidths
            );
            using var job = new SensitivityJob(host, reporter, cache, request, ProgressFile);
            return (await job.FindOrMeasureAsync(device, force: false, cancellation)).Table;
        }
    }

    private async Task<FallbackTrial> JudgeAsync(string folder, int steps, CancellationToken cancellation)
    {
        using var setup = EvaluationSetup.Of(settings.Measurement with { ModelPath = folder });
        Inputs?.Add(setup.FindFiles());
        var job = new EvaluationJob(host, reporter, cache) { ProgressFile = ProgressFile };
        var work = cache.UnfinishedFolder($"part-{setup.PartKey}");
        var part = await job.RunAsync(setup, work, measuresSpeed: false, cancellation);
        // Verification writes the pictures of the model that remains; those of trials nobody sees.
        var report = Evaluator.Assemble([(folder, part)], setup.Reference, work);
        Folders.Delete(work);
        var verdict = QualityGate.Check(report, null, settings.Limits, new(null));
        if (verdict.Findings.FirstOrDefault(f => f.Code == "DQ2004") is { } missing)
        {
            // No number of bits would change that.
            throw missing.ToException();
        }

        return new(
            steps,
            settings.Limits.Quality.ToDictionary(l => l.Metric, l => report.Find(l.Metric)!.Value),
            verdict.Passes
        );
    }

    private FallbackOutcome Outcome(Attempt attempt, FallbackLadder? ladder) =>
        new(
            attempt.Recipe,
            attempt.Folder,
            attempt.Key,
            attempt.IsNew,
            new(
                [.. settings.Limits.Quality.Select(l => new FallbackLimit(l.Name, l.Metric, l.Value))],
                attempt.Trial.Holds,
                ladder?.Count ?? 0,
                ladder?.Raised(attempt.Trial.Steps) ?? [],
                trials
            )
        );

    private string Told(FallbackTrial trial) =>
        string.Join(
            "; ",
            settings.Limits.Quality.Select(l =>
                FormattableString.Invariant($"{l.Name} is {l.Value:0.###}, measured {trial.Values[l.Metric]:0.###}")
            )
        ) + (trial.Holds ? ": it holds." : ": it does not hold, or not by two standard errors.");

    private sealed record Attempt(Recipe Recipe, string Folder, string Key, bool IsNew, FallbackTrial Trial);
}
