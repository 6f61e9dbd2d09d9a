using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using DiffusionQuant.Engine;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Benchmarks;

/// <summary>Peak memory of training the 35.7 M U-Net as a whole; each row is a process of its own.</summary>
internal static class TrainingMemoryBenchmark
{
    // The second step is the first to have both sets of parameters; there is only one where a step is several runs.
    private const int Steps = 2;
    private const int Threads = 2;

    private static readonly (int Batch, int Accumulation, string Segments, string Plan)[] Rows =
    [
        (16, 8, "automatic", "none"),
        (8, 1, "none", "none"),
        (8, 1, "automatic", "none"),
        (16, 1, "none", "none"),
        (16, 1, "automatic", "none"),
        (32, 1, "none", "none"),
        (32, 1, "automatic", "none"),
        (16, 1, "automatic", "planned"),
    ];

    public static int Run(string[] options)
    {
        var batches = BenchmarkOptions.Option(options, "--batches", "8,16,32").Split(',').Select(int.Parse).ToArray();
        Console.WriteLine(
            $"{RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores, ONNX Runtime {OrtEnv.Instance().GetVersionString()}, {Threads} threads, {Steps} steps of one run or one of several"
        );
        Console.WriteLine();
        Console.WriteLine("| batch | runs a step | recomputation | memory plan | peak, MB | s a step | last loss |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var (batch, accumulation, segments, plan) in Rows.Where(r => batches.Contains(r.Batch)))
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
            foreach (var argument in (string[])["train-apart", $"{batch}", $"{accumulation}", segments, plan])
            {
                start.ArgumentList.Add(argument);
            }

            using var process = Process.Start(start)!;
            var answer = process.StandardOutput.ReadToEnd().Trim();
            process.WaitForExit();
            Console.WriteLine($"| {batch} | {accumulation} | {segments} | {plan} | {answer} |");
        }

        return 0;
    }

    /// <summary>Trains in this process and prints its peak working set, the time of a step, and the loss.</summary>
    /// <param name="batch">The samples of a run.</param>
    /// <param name="accumulation">The runs of a step.</param>
    /// <param name="segments"><c>none</c>, <c>automatic</c>, or a number.</param>
    /// <param name="plan"><c>planned</c> for ONNX Runtime's plan of memory, or <c>none</c>.</param>
    public static int Train(int batch, int accumulation, string segments, string plan)
    {
        var block = TrainedNetwork.Ddpm(batch);
        var graph = TrainingGraph.Build(
            block.Model,
            GradientBlock.Loss,
            block.Parameters,
            new()
            {
                GradientClip = 1,
                AverageDecay = 0.999f,
                Accumulation = accumulation,
                Recomputation = segments switch
                {
                    "none" => null,
                    "automatic" => Recomputation.Automatic,
                    _ => Recomputation.InSegments(int.Parse(segments, CultureInfo.InvariantCulture)),
                },
            }
        );
        var session = new SessionSettings { Threads = Threads, PlansMemory = plan == "planned" };
        using var training = new TrainingSession(graph, Steps, session);
        var inputs = block.Inputs.ToDictionary(t => t.Name, Tensors.FromTensor);
        foreach (var (name, value) in inputs)
        {
            training.Bind(name, value);
        }

        var (loss, time) = (0f, TimeSpan.MaxValue);
        while (training.Step < (accumulation == 1 ? Steps : 1))
        {
            var watch = Stopwatch.StartNew();
            for (var i = 0; i < accumulation; i++)
            {
                loss = training.Run([]);
            }
            time = watch.Elapsed < time ? watch.Elapsed : time;
        }

        using var process = Process.GetCurrentProcess();
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{process.PeakWorkingSet64 / 1e6:F0} | {time.TotalSeconds:F1} | {loss:F5}"
            )
        );
        return 0;
    }
}
