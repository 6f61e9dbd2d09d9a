using System.Runtime.InteropServices;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization;
using DiffusionQuant.Quantization.Recipes;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Benchmarks;

/// <summary>What scales of channels and timesteps, and softmax codes of powers of two, cost of an exported file's time.</summary>
internal static class ScalesBenchmark
{
    private static readonly (string Name, string Variant)[] Files =
    [
        ("constant scales", "tcaq-dm:base"),
        ("by timestep", "tcaq-dm:+timesteps"),
        ("by timestep and channel", "tcaq-dm:+tcr"),
        ("and powers of two", "tcaq-dm"),
    ];

    public static int Run(string[] options)
    {
        var batches = BenchmarkOptions.Option(options, "--batches", "1,4,16").Split(',').Select(int.Parse).ToArray();
        var runs = int.Parse(BenchmarkOptions.Option(options, "--runs", "31"));
        var path = BenchmarkOptions.Option(options, "--model", QualityBenchmark.SampleModel());
        var bits = BitWidths.Parse(BenchmarkOptions.Option(options, "--bits", "W8A8"));
        var root = Directory.CreateTempSubdirectory("diffusionquant-scales-");
        try
        {
            foreach (var (_, variant) in Files)
            {
                // Quick: the time of a step does not depend on how weights were rounded.
                var recipe = new Recipe(bits)
                {
                    Method = "tcaq-dm",
                    Steps = 25,
                    Effort = Effort.Quick,
                };
                var folder = root.CreateSubdirectory(Folder(variant)).FullName;
                Quantizer.Run(new(path, folder, recipe), MethodVariants.Passes(variant), null, out _);
            }

            Console.WriteLine(
                $"{RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores, ONNX Runtime {OrtEnv.Instance().GetVersionString()}, {bits}, medians of {runs} runs in turn"
            );
            Console.WriteLine();
            Console.WriteLine("| batch | scales | ms per call | of constant scales' time |");
            Console.WriteLine("|---|---|---|---|");
            var contract = DiffusionModel.Load(path).Contract;
            var sessions = Files
                .Select(f => ModelSession.Load(Path.Combine(root.FullName, Folder(f.Variant), Quantizer.ModelFileName)))
                .ToArray();
            foreach (var batch in batches)
            {
                using var inputs = new DenoiserInputs(contract, Call(contract, batch));
                var times = SpeedBenchmark.Time(sessions, inputs.Values, runs);
                for (var i = 0; i < times.Length; i++)
                {
                    Console.WriteLine($"| {batch} | {Files[i].Name} | {times[i]:F1} | {times[i] / times[0]:F3} |");
                }
            }

            Array.ForEach(sessions, s => s.Dispose());
        }
        finally
        {
            root.Delete(recursive: true);
        }

        return 0;
    }

    private static string Folder(string variant) => variant.Replace(':', '-');

    private static DenoiserCall Call(DenoiserContract contract, int batch)
    {
        var random = new Random(batch);
        return new()
        {
            Count = batch,
            Samples =
            [
                .. Enumerable
                    .Range(0, batch * contract.SampleShape.Length)
                    .Select(_ => (float)((random.NextDouble() * 4) - 2)),
            ],
            Timesteps = [.. Enumerable.Range(0, batch).Select(i => 1 + (i * 997 / batch))],
        };
    }
}
