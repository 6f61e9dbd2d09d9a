using System.Diagnostics;
using System.Runtime.InteropServices;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Methods;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Recipes;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Benchmarks;

/// <summary>Bytes and loading time of files with packed weights, channels of different widths among them.</summary>
internal static class LoadBenchmark
{
    private static readonly (string Bits, string Name, Func<IReadOnlyList<IQuantizationPass>> Passes)[] Files =
    [
        ("W8A8", "one width", Uniform),
        ("W4A8", "one width", Uniform),
        ("W2A8", "one width", Uniform),
        ("W2A8", "1 to 3 bits by channel (mpq-dm)", () => Mixed(MpqDm.Method)),
        ("W2A8", "1 to 3 bits by channel (mpq-dm-plus)", () => Mixed(MpqDm.Plus)),
    ];

    public static int Run(string[] options)
    {
        var runs = int.Parse(BenchmarkOptions.Option(options, "--runs", "11"));
        var path = BenchmarkOptions.Option(options, "--model", QualityBenchmark.SampleModel());
        var source = DiffusionModel.Load(path);
        var root = Directory.CreateTempSubdirectory("diffusionquant-load-");
        try
        {
            var rows = new List<(string Name, string Path, QuantizationReport? Report)>
            {
                ("float32", source.ModelPath, null),
            };
            foreach (var (index, file) in Files.Index())
            {
                var folder = root.CreateSubdirectory($"{index}").FullName;
                // Where ranges lie changes neither bytes nor time.
                var recipe = new Recipe(BitWidths.Parse(file.Bits)) { Steps = 8, CalibrationSamples = 64 };
                var result = Quantizer.Run(new(path, folder, recipe), file.Passes(), null, out _);
                rows.Add(($"{file.Bits}, {file.Name}", Path.Combine(folder, Quantizer.ModelFileName), result.Report));
            }

            var times = Times([.. rows.Select(r => r.Path)], runs);
            Console.WriteLine(
                $"{RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores, ONNX Runtime {OrtEnv.Instance().GetVersionString()}, medians of {runs} runs in turn"
            );
            Console.WriteLine();
            Console.WriteLine("| file | bytes | weights' bits, bytes | loaded in, ms | of float's |");
            Console.WriteLine("|---|---|---|---|---|");
            for (var i = 0; i < rows.Count; i++)
            {
                var bytes = rows[i].Report is { } report ? report.QuantizedBytes : ArtifactWriter.BytesOf(source);
                Console.WriteLine(
                    $"| {rows[i].Name} | {bytes} | {WeightBytes(rows[i].Report)} | {times[i]:F0} | {times[i] / times[0]:F2} |"
                );
            }
        }
        finally
        {
            root.Delete(recursive: true);
        }

        return 0;
    }

    private static IReadOnlyList<IQuantizationPass> Uniform() => MethodCatalog.Find("minmax").Passes;

    /// <summary>The method's bits of channels, without its training.</summary>
    private static IReadOnlyList<IQuantizationPass> Mixed(QuantizationMethod method) =>
        [.. method.Passes.Where(p => p is not (LowRankFineTuning or Gptq or ScaleTimesteps))];

    /// <summary>The sum of all weights' bits.</summary>
    private static string WeightBytes(QuantizationReport? report) =>
        report is null
            ? ""
            : $"{report.Layers.Sum(l => (l.MeanWeightBits ?? l.WeightBits ?? 0) * (l.WeightShape?.Aggregate(1.0, (a, b) => a * b) ?? 0)) / 8:F0}";

    /// <summary>The median time of making a session of each file, which folds what decodes weights.</summary>
    private static double[] Times(string[] paths, int runs)
    {
        var times = paths.Select(_ => new List<double>()).ToArray();
        for (var run = 0; run <= runs; run++)
        {
            for (var i = 0; i < paths.Length; i++)
            {
                var start = Stopwatch.GetTimestamp();
                ModelSession.Load(paths[i]).Dispose();
                // The first round reads files that later ones find in memory.
                if (run > 0)
                {
                    times[i].Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                }
            }
        }

        return [.. times.Select(t => t.Order().ElementAt(t.Count / 2))];
    }
}
