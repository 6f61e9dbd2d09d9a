using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Snapshots;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Benchmarks;

/// <summary>
/// Whether the gate tells a worse quantization from another that is as good: many of both, and what the gate says of each.
/// </summary>
internal static class StabilityBenchmark
{
    public static int Run(string[] options)
    {
        var work = Directory.CreateDirectory(
            BenchmarkOptions.Option(options, "--work", Path.Combine(Path.GetTempPath(), "diffusionquant-stability"))
        );
        var output = BenchmarkOptions.Option(options, "--output", "");
        var wanted = BenchmarkOptions.Option(options, "--models", "").Split(',', StringSplitOptions.RemoveEmptyEntries);
        var models = StabilityModel.All.Where(m => wanted.Length == 0 || wanted.Contains(m.Name)).ToArray();
        var run = new StabilityRun(work.FullName);
        var cases = models.SelectMany(StabilityCase.Of).ToArray();
        if (!options.Contains("--table"))
        {
            foreach (var made in cases)
            {
                run.Make(made);
            }
        }

        var text = Table(run, models);
        Console.WriteLine(text);
        if (output.Length > 0)
        {
            File.WriteAllText(output, text);
        }

        return 0;
    }

    private static string Table(StabilityRun run, IReadOnlyList<StabilityModel> models)
    {
        var text = new StringBuilder(
            $"""
            # The gate's verdict on models that are as good, and on worse ones

                dotnet run -c Release --project benchmarks -- stability --output benchmarks/results/stability.md

            {RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores, ONNX Runtime {OrtEnv.Instance().GetVersionString()}; effort quick, {StabilityModel.PairedImages} paired images; {string.Join(
                "; ",
                models.Select(m => $"{m.Name}: {m.Images} images, {m.Steps} steps of DDIM")
            )}


            """
        );
        var (variants, alarms, formerAlarms, regressions, caught, formerlyCaught) = (0, 0, 0, 0, 0, 0);
        foreach (var model in models)
        {
            var judged = StabilityCase
                .Of(model)
                .Select(c => (Case: c, Verified: run.Find(c.Verified), Received: run.Find(c)))
                .Where(c => c is { Verified: not null, Received: not null })
                .Select(c => new Judged(c.Case, c.Verified!, c.Received!))
                .ToArray();
            text.Append(CultureInfo.InvariantCulture, $"## {model.Name}\n\n");
            WriteVariation(text, judged);
            WriteRegressions(text, judged);
            WriteKernels(text, judged);
            variants += judged.Count(j => j.Case.Kind == StabilityKind.Variant);
            alarms += judged.Count(j => j.Case.Kind == StabilityKind.Variant && j.Fails);
            formerAlarms += judged.Count(j => j.Case.Kind == StabilityKind.Variant && j.FormerlyFails);
            regressions += judged.Count(j => j.Case.IsRegression);
            caught += judged.Count(j => j.Case.IsRegression && j.Fails);
            formerlyCaught += judged.Count(j => j.Case.IsRegression && j.FormerlyFails);
        }

        text.Append(
            CultureInfo.InvariantCulture,
            $"formerly variants {variants} alarms {formerAlarms} regressions {regressions} caught {formerlyCaught}\n\nstability variants {variants} alarms {alarms} regressions {regressions} caught {caught}\n"
        );
        return text.ToString();
    }

    /// <summary>Mean and deviation of each metric over those that are as good as each other, the verified one among them.</summary>
    private static void WriteVariation(StringBuilder text, Judged[] judged)
    {
        var bases = judged
            .Where(j => j.Case.Kind is StabilityKind.Verified or StabilityKind.Variant)
            .GroupBy(j => j.Case.Base)
            .ToArray();
        text.Append(
            CultureInfo.InvariantCulture,
            $"As good as each other: mean ± deviation; in brackets how much the worst lies below the verified one, and the two standard errors that chance is given beside the tolerance.\n\n| metric | tolerance | {string.Join(" | ", bases.Select(b => b.Key))} |\n|---|---|{string.Concat(bases.Select(_ => "---|"))}\n"
        );
        foreach (
            var metric in MetricCatalog.All.Where(m => bases.Any(b => b.First().Verified.Find(m.Name) is not null))
        )
        {
            var cells = bases.Select(b =>
            {
                var values = b.Select(j => j.Received.Find(metric.Name)!.Value).ToArray();
                var mean = values.Average();
                var deviation = Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / Math.Max(values.Length - 1, 1));
                var changes = b.Select(j => j.ChangeOf(metric.Name)).ToArray();
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Shown(mean)} ± {Shown(deviation)} ({Shown(changes.Max(c => c.Worsening))}; {Shown(2 * changes.Average(c => c.Error))})"
                );
            });
            var tolerance = Tolerance.Default(metric);
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {metric.Title} | {tolerance} | {string.Join(" | ", cells)} |\n"
            );
        }

        foreach (
            var (name, tolerance, fall) in new[]
            {
                (
                    "A layer's SQNR",
                    SnapshotMeasurement.UsualLayerTolerance,
                    (Func<Judged, double>)(j => j.FallOfLayers)
                ),
                ("SQNR of a layer's stored weights", SnapshotMeasurement.UsualWeightTolerance, j => j.FallOfWeights),
            }
        )
        {
            var cells = bases.Select(b => $"({Shown(b.Max(fall))})");
            text.Append(CultureInfo.InvariantCulture, $"| {name} | {tolerance} | {string.Join(" | ", cells)} |\n");
        }

        foreach (
            var (name, fails) in new[]
            {
                ("alarms now", (Func<Judged, bool>)(j => j.Fails)),
                ("alarms by the former rule", j => j.FormerlyFails),
            }
        )
        {
            var cells = bases.Select(b => $"{b.Count(fails)} of {b.Count(j => j.Case.Kind == StabilityKind.Variant)}");
            text.Append(CultureInfo.InvariantCulture, $"| **{name}** | | {string.Join(" | ", cells)} |\n");
        }

        text.Append('\n');
    }

    private static void WriteRegressions(StringBuilder text, Judged[] judged)
    {
        text.Append(
            "| worse | base | caught | by the former rule | SQNR less by, dB | PSNR less by, dB | a layer's weights, dB |\n|---|---|---|---|---|---|---|\n"
        );
        foreach (var group in judged.Where(j => j.Case.IsRegression).GroupBy(j => (j.Case.Kind, j.Case.Base)))
        {
            string Range(Func<Judged, double> change)
            {
                var changes = group.Select(change).Order().ToArray();
                return string.Create(CultureInfo.InvariantCulture, $"{changes[0]:F2} to {changes[^1]:F2}");
            }

            text.Append(
                CultureInfo.InvariantCulture,
                $"| {InWords(group.Key.Kind)} | {group.Key.Base} | {group.Count(j => j.Fails)} of {group.Count()} | {group.Count(j => j.FormerlyFails)} | {Range(j => j.ChangeOf(MetricCatalog.NoiseSqnr).Worsening)} | {Range(j => j.ChangeOf(MetricCatalog.Psnr).Worsening)} | {Range(j => j.FallOfWeights)} |\n"
            );
        }

        text.Append('\n');
        foreach (var missed in judged.Where(j => j.Case.IsRegression && !j.Fails))
        {
            text.Append(CultureInfo.InvariantCulture, $"Missed: {missed.Case.Name}.\n\n");
        }
    }

    private static void WriteKernels(StringBuilder text, Judged[] judged)
    {
        var groups = judged.Where(j => j.Case.Kind == StabilityKind.Kernels).GroupBy(j => j.Case.Base).ToArray();
        if (groups.Length == 0)
        {
            return;
        }

        text.Append(
            "The same recipe and seed with other last digits of kernels alone:\n\n| base | the same file | alarms | SQNR differs by, dB | PSNR differs by, dB |\n|---|---|---|---|---|\n"
        );
        foreach (var group in groups)
        {
            string Most(string metric) =>
                group.Max(j => Math.Abs(j.ChangeOf(metric).Worsening)).ToString("F2", CultureInfo.InvariantCulture);
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {group.Key} | {group.Count(j => j.Received.Model.Sha256 == j.Verified.Model.Sha256)} of {group.Count()} | {group.Count(j => j.Fails)} | {Most(MetricCatalog.NoiseSqnr)} | {Most(MetricCatalog.Psnr)} |\n"
            );
        }

        text.Append('\n');
    }

    private static string InWords(StabilityKind kind) =>
        kind switch
        {
            StabilityKind.FewerBits => "W3A8",
            StabilityKind.QuarterOfLayers => "a quarter of the layers with 4 bits",
            StabilityKind.MinMax => "by `minmax`",
            StabilityKind.ShiftedCodes => "codes of one convolution a step higher",
            StabilityKind.ArtifactSchedule => "a wrong schedule beside the quantized model",
            StabilityKind.SourceSchedule => "a wrong schedule of the float model",
            _ => "calibrated on noise",
        };

    private static string Shown(double value) => value.ToString("G3", CultureInfo.InvariantCulture);

    private sealed record Judged(StabilityCase Case, EvaluationReport Verified, EvaluationReport Received)
    {
        public bool Fails { get; } = StabilityVerdict.Fails(Verified, Received);

        public bool FormerlyFails { get; } = StabilityVerdict.FormerlyFails(Verified, Received);

        /// <summary>By how many dB the layer's output fell that fell most.</summary>
        public double FallOfLayers => Fall(l => l.IsLast ? null : l.Sqnr);

        /// <summary>By how many dB the layer's stored weights fell that fell most.</summary>
        public double FallOfWeights => Fall(l => l.WeightSqnr);

        public MetricChange ChangeOf(string metric) => StabilityVerdict.ChangeOf(Verified, Received, metric);

        private double Fall(Func<LayerQuality, double?> sqnr)
        {
            var received = Received.Layers.DistinctBy(l => l.Name).ToDictionary(l => l.Name, sqnr);
            return Verified
                .Layers.Select(l => sqnr(l) - received.GetValueOrDefault(l.Name))
                .Max(f => f is { } fall && double.IsFinite(fall) ? fall : 0);
        }
    }
}
