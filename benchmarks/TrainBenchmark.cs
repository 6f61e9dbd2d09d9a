using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Datasets;
using DiffusionQuant.Quantization.Training.Denoisers;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Benchmarks;

/// <summary>
/// Training from images beside PyTorch: the same first weights, images, timesteps and noise, so that losses must agree step
/// by step. Both take turns of a few steps; only ratios within one run mean anything.
/// </summary>
internal static class TrainBenchmark
{
    private const int Turn = 5;
    private const double Tolerance = 1e-3;

    public static int Run(string[] options)
    {
        var path = BenchmarkOptions.Option(options, "--images", "");
        var steps = int.Parse(BenchmarkOptions.Option(options, "--steps", "40"));
        var settings = BenchmarkOptions.Session(options, threads: "2");
        var isVelocity = BenchmarkOptions.Option(options, "--prediction", "v") == "v";
        var training = new DenoiserTraining(
            DenoiserConfig.Load(BenchmarkOptions.Option(options, "--config", "small")),
            steps
        )
        {
            Batch = int.Parse(BenchmarkOptions.Option(options, "--batch", "16")),
            Prediction = isVelocity ? PredictionType.Velocity : PredictionType.Epsilon,
            Schedule = isVelocity ? BetaSchedule.SquaredCosine : BetaSchedule.Linear,
            WarmUp = 10,
        };
        var images = TrainingImages.Load(ImageSources.Open(path));
        using var torch = TorchProcess.Start(settings, Path.Combine("training", "replay.py"));
        if (torch is null)
        {
            Console.Error.WriteLine("No Python with PyTorch was found.");
            return 1;
        }

        var folder = Directory.CreateTempSubdirectory("diffquant-benchmark-").FullName;
        try
        {
            return Compare(training, images, settings, torch, folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static int Compare(
        DenoiserTraining training,
        TrainingImages images,
        SessionSettings settings,
        TorchProcess torch,
        string folder
    )
    {
        var graph = DenoiserGraph.Build(training, images.Shape);
        // Weights with a path are those of convolutions and linear layers; normalisations have none.
        string[] names = [.. graph.Network.Graph.Initializers.Keys.Where(IsNamed)];
        WriteSettings(training, images.Shape, names, folder);
        foreach (var name in names)
        {
            var tensor = graph.Network.Graph.Initializers[name];
            WriteNpy(folder, name, tensor.Dims, tensor.ToFloats().Span);
        }

        var version = torch.Load(folder);
        Console.WriteLine(
            $"{RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores, ONNX Runtime {OrtEnv.Instance().GetVersionString()}, PyTorch {version}, {settings.Threads} threads, on {settings.Device}; {graph.ParameterCount / 1e6:F1} M parameters, batch {training.Batch}, {images.Shape}"
        );
        var loading = Stopwatch.StartNew();
        using var session = new TrainingSession(graph.Graph, training.Steps, settings);
        Console.WriteLine($"The graph of a step was loaded in {loading.Elapsed.TotalSeconds:F1} s.");
        Console.WriteLine();
        var rows = Losses(training, images, session, torch, folder);
        Console.WriteLine("| step | loss | PyTorch's | relative difference |");
        Console.WriteLine("|---|---|---|---|");
        foreach (var (step, row) in rows.Index().Where(r => r.Index == 0 || (r.Index + 1) % Turn == 0))
        {
            Console.WriteLine($"| {step + 1} | {row.Loss:F6} | {row.Torch:F6} | {row.Apart:E1} |");
        }

        var averages = Directory.CreateDirectory(Path.Combine(folder, "averages")).FullName;
        foreach (var name in names)
        {
            WriteNpy(averages, name, graph.Network.Graph.Initializers[name].Dims, session.ReadAverage(name));
        }

        var (apart, way, shares) = torch.CompareWeights(averages);
        // The first step of a turn does not count: the other's threads still spin in it.
        var timed = rows.Where((_, i) => i % Turn > 0).ToArray();
        var (ours, theirs) = (Median(timed.Select(r => r.Time)), Median(timed.Select(r => r.TorchTime)));
        var worst = rows.Max(r => r.Apart);
        Console.WriteLine();
        Console.WriteLine($"Losses differ by {worst:E1} at most, in {rows.Count} steps.");
        Console.WriteLine(
            $"Averages of weights lie {apart:E1} apart after a way of {way:E1} from the first weights; of the square of that: {shares}."
        );
        Console.WriteLine();
        Console.WriteLine("| ms per step | PyTorch's | ratio | fastest | PyTorch's |");
        Console.WriteLine("|---|---|---|---|---|");
        Console.WriteLine(
            $"| {ours:F0} | {theirs:F0} | {ours / theirs:F2} | {timed.Min(r => r.Time):F0} | {timed.Min(r => r.TorchTime):F0} |"
        );
        return worst <= Tolerance ? 0 : 1;
    }

    private static List<Row> Losses(
        DenoiserTraining training,
        TrainingImages images,
        TrainingSession session,
        TorchProcess torch,
        string folder
    )
    {
        var batches = new DenoiserBatches(images, training);
        using var batch = new DenoiserBatch(images.Shape, training.Batch);
        var shape = images.Shape;
        long[] dims = [training.Batch, shape.Channels, shape.Height, shape.Width];
        var rows = new List<Row>();
        for (var first = 0; first < training.Steps; first += Turn)
        {
            var last = Math.Min(first + Turn, training.Steps);
            for (var step = first; step < last; step++)
            {
                batches.Fill(step, 0, batch);
                var watch = Stopwatch.StartNew();
                var loss = session.Run(batch.Inputs);
                rows.Add(new(loss, watch.Elapsed.TotalMilliseconds, 0, 0));
            }

            for (var step = first; step < last; step++)
            {
                batches.Fill(step, 0, batch);
                WriteNpy(folder, "noisy", dims, batch.Noisy);
                WriteNpy(folder, "target", dims, batch.Target);
                WriteNpy<long>(folder, "timesteps", [training.Batch], batch.Timesteps);
                var (loss, seconds) = torch.Step(step);
                rows[step] = rows[step] with { Torch = loss, TorchTime = seconds * 1000 };
            }
        }

        return rows;
    }

    private static bool IsNamed(string weight) =>
        weight.EndsWith(".weight", StringComparison.Ordinal) || weight.EndsWith(".bias", StringComparison.Ordinal);

    private static void WriteSettings(DenoiserTraining training, SampleShape shape, string[] names, string folder) =>
        File.WriteAllText(
            Path.Combine(folder, "settings.json"),
            JsonSerializer.Serialize(
                new
                {
                    channels = training.Network.Channels,
                    multipliers = training.Network.Multipliers,
                    blocks = training.Network.Blocks,
                    attention = training.Network.AttentionResolutions,
                    resolution = shape.Height,
                    imageChannels = shape.Channels,
                    rate = training.LearningRate,
                    steps = training.Steps,
                    warmUp = training.WarmUp,
                    clip = training.Clip,
                    average = training.Average,
                    weights = names,
                }
            )
        );

    private static void WriteNpy<T>(string folder, string name, ReadOnlySpan<long> dims, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        using var stream = File.Create(Path.Combine(folder, $"{name}.npy"));
        var type = typeof(T) == typeof(long) ? ElementType.Int64 : ElementType.Float;
        new NpyHeader(type, dims.ToArray()).Write(stream);
        stream.Write(MemoryMarshal.AsBytes(values));
    }

    private static void WriteNpy(string folder, string name, ReadOnlySpan<long> dims, float[] values) =>
        WriteNpy<float>(folder, name, dims, values);

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    /// <summary>A step on both sides, times in milliseconds.</summary>
    private sealed record Row(double Loss, double Time, double Torch, double TorchTime)
    {
        public double Apart => Math.Abs(Loss - Torch) / Torch;
    }
}
