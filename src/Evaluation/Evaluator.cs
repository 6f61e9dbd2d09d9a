using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Quantization.Artifacts;

namespace DiffusionQuant.Evaluation;

/// <summary>
/// Measures a model, beside its float model where there is one. The work has three stages, so that the float model's part
/// can be kept and used again, and so that many machines can share it: <see cref="MakeBaseline"/>, <see cref="Measure"/>, and
/// <see cref="Assemble"/> of all parts.
/// </summary>
public static class Evaluator
{
    /// <summary>Counts up whenever the same run would give other numbers; part of cache keys.</summary>
    public const int AlgorithmVersion = 1;

    /// <summary>Makes the float model's part of a run.</summary>
    /// <param name="setup">The run.</param>
    /// <param name="folder">An empty folder to make it in.</param>
    /// <param name="workFolder">Where a run that was killed left what it had, to go on from there.</param>
    /// <param name="progress">Told how far it is; null for nobody.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">A model or the extractor cannot be loaded or run.</exception>
    public static void MakeBaseline(
        EvaluationSetup setup,
        string folder,
        string workFolder,
        IProgress<EvaluationProgress>? progress = null,
        CancellationToken cancellation = default
    )
    {
        using var workers = Workers.Use(setup.Threads, cancellation);
        FloatBaseline.Make(setup, folder, workFolder, Report(progress, "float images"), cancellation);
    }

    /// <summary>Measures the model's part of a run.</summary>
    /// <param name="setup">The run.</param>
    /// <param name="baselineFolder">What <see cref="MakeBaseline"/> made for the same run; null where there is no float model.</param>
    /// <param name="workFolder">Where a run that was killed left what it had, to go on from there.</param>
    /// <param name="progress">Told how far it is; null for nobody.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">A model or the extractor cannot be loaded or run.</exception>
    public static EvaluationPart Measure(
        EvaluationSetup setup,
        string? baselineFolder,
        string workFolder,
        IProgress<EvaluationProgress>? progress = null,
        CancellationToken cancellation = default
    )
    {
        using var workers = Workers.Use(setup.Threads, cancellation);
        return new PartRun(setup, baselineFolder, workFolder).Run(Report(progress, "images"), cancellation);
    }

    /// <summary>Times a denoising step of both models in turns.</summary>
    /// <param name="setup">The run; it has a float model.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">A model cannot be loaded or run.</exception>
    public static StepTimes MeasureSpeed(EvaluationSetup setup, CancellationToken cancellation = default)
    {
        using var workers = Workers.Use(setup.Threads, cancellation);
        return StepTimer.Measure(setup, cancellation);
    }

    /// <summary>Puts the parts of a run together and works out its metrics.</summary>
    /// <param name="parts">All parts, with names for messages; their order does not matter.</param>
    /// <param name="reference">The reference that the parts were measured for; null for none.</param>
    /// <param name="folder">Gets metrics.json, and pictures in a folder of their own.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3006 to DQ3008: the parts are not those of one whole run. DQ3013: it
    /// is another reference. DQ3014: the folder cannot be written.</exception>
    public static EvaluationReport Assemble(
        IReadOnlyList<(string Name, EvaluationPart Part)> parts,
        ReferenceStatistics? reference,
        string folder
    )
    {
        var whole = PartMerger.Merge(parts);
        if (whole.Header.Reference != reference?.Identity)
        {
            throw EvaluationErrors.OtherReference(Name(whole.Header.Reference), Name(reference?.Identity));
        }

        try
        {
            var report = new ReportAssembler(whole, reference).Assemble(folder);
            AtomicFile.WriteText(Path.Combine(folder, EvaluationReport.FileName), report.ToJson());
            return report;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw EvaluationErrors.CannotWrite(folder, e);
        }

        static string Name(ReferenceIdentity? reference) =>
            reference is null ? "none" : $"{reference.Name} ({reference.Sha256[..12]}...)";
    }

    private static Action<double, string?> Report(IProgress<EvaluationProgress>? progress, string stage) =>
        (fraction, detail) => progress?.Report(new(stage, fraction, detail));
}
