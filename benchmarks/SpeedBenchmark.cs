using System.Diagnostics;
using System.Runtime.InteropServices;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization;
using DiffusionQuant.Quantization.Recipes;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Benchmarks;

/// <summary>Time and size of quantized files beside the float file. Only ratios within one run mean anything.</summary>
internal static class SpeedBenchmark
{
    private static readonly string[] Formats = ["W8A8", "W4A8"];

    public static int Run(string[] options)
    {
        var batches = BenchmarkOptions.Option(options, "--batches", "1,4,16").Split(',').Select(int.Parse).ToArray();
        var runs = int.Parse(BenchmarkOptions.Option(options, "--runs", "11"));
        using var model = SyntheticModel.Create();
        var files = new List<(string Name, string Path)> { ("float32", model.OnnxPath) };
        var theory = new List<double> { 1 };
        foreach (var format in Formats)
        {
            var folder = Directory.CreateDirectory(Path.Combine(model.Root, format)).FullName;
            // The time of a step does not depend on where ranges lie, so a short calibration does.
            var recipe = new Recipe(BitWidths.Parse(format)) { Steps = 8, CalibrationSamples = 32 };
            theory.Add(Quantizer.Run(new(model.Folder, folder, recipe)).Report.BitOperations!.Ratio);
            files.Add((format, Path.Combine(folder, Quantizer.ModelFileName)));
        }

        Console.WriteLine(
            $"{RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores, ONNX Runtime {OrtEnv.Instance().GetVersionString()}, medians of {runs} runs in turn"
        );
        Console.WriteLine();
        Console.WriteLine(
            "| batch | file | ms per call | float time / its time | bytes | of float | fewer bit operations (theory) |"
        );
        Console.WriteLine("|---|---|---|---|---|---|---|");
        var sessions = files.Select(f => ModelSession.Load(f.Path)).ToArray();
        var ratios = new Dictionary<(int Batch, string Name), double>();
        foreach (var batch in batches)
        {
            var inputs = Inputs(batch);
            var times = Time(sessions, inputs, runs);
            foreach (var input in inputs.Values)
            {
                input.Dispose();
            }

            for (var i = 0; i < files.Count; i++)
            {
                var bytes = new FileInfo(files[i].Path).Length;
                ratios[(batch, files[i].Name)] = times[0] / times[i];
                Console.WriteLine(
                    $"| {batch} | {files[i].Name} | {times[i]:F1} | {times[0] / times[i]:F2} | {bytes} | {SizeRatio(files, i):F3} | {theory[i]:F1} |"
                );
            }
        }

        if (options.Contains("--profile"))
        {
            foreach (var (name, path) in files)
            {
                Console.WriteLine();
                Console.WriteLine($"{name}: {OperatorProfile.Of(path, Inputs(4))}");
            }
        }

        foreach (var session in sessions)
        {
            session.Dispose();
        }

        var reported = batches.Contains(4) ? 4 : batches[0];
        Console.WriteLine();
        Console.WriteLine(
            $"speed W8A8 {ratios[(reported, "W8A8")]:F2} W4A8 {ratios[(reported, "W4A8")]:F2} size W4 {SizeRatio(files, 2):F3}"
        );
        return 0;
    }

    private static double SizeRatio(List<(string Name, string Path)> files, int index) =>
        (double)new FileInfo(files[index].Path).Length / new FileInfo(files[0].Path).Length;

    /// <summary>The median time of each session's runs, in milliseconds; they run in turn.</summary>
    public static double[] Time(ModelSession[] sessions, IReadOnlyDictionary<string, OrtValue> inputs, int runs)
    {
        var times = sessions.Select(_ => new List<double>()).ToArray();
        const int WarmUps = 2;
        for (var run = -WarmUps; run < runs; run++)
        {
            for (var i = 0; i < sessions.Length; i++)
            {
                var watch = Stopwatch.StartNew();
                sessions[i].Run(inputs).Dispose();
                if (run >= 0)
                {
                    times[i].Add(watch.Elapsed.TotalMilliseconds);
                }
            }
        }

        return [.. times.Select(t => t.Order().ElementAt(t.Count / 2))];
    }

    private static Dictionary<string, OrtValue> Inputs(int batch)
    {
        var random = new Random(batch);
        var sample = new float[batch * 3 * 32 * 32];
        for (var i = 0; i < sample.Length; i++)
        {
            sample[i] = (float)((random.NextDouble() * 4) - 2);
        }

        var timesteps = Enumerable.Range(0, batch).Select(i => (long)(1 + (i * 997 / batch))).ToArray();
        return new() { ["sample"] = Tensors.Of(sample, batch, 3, 32, 32), ["timestep"] = Tensors.Of(timesteps, batch) };
    }
}
