using System.Diagnostics;
using System.Runtime.InteropServices;
using DiffusionQuant.Engine;
using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;
using TorchSharp;

namespace DiffusionQuant.Benchmarks;

/// <summary>
/// Time of tuning a block, or of training a whole network, beside PyTorch where there is one: both take turns, and must
/// agree in loss, gradients and tuned parameters, or in the losses of the first steps. Only ratios within one run mean
/// anything.
/// </summary>
internal static class GradientBenchmark
{
    private const int RunsPerTurn = 3;
    private static readonly string[] Kinds = ["forward", "backward", "step"];

    private static readonly (string Name, Func<GradientBlock> Build)[] Networks =
    [
        ("network of the sample", () => TrainedNetwork.Sample(64)),
        ("network of 35.7 M", () => TrainedNetwork.Ddpm(8)),
    ];

    public static int Run(string[] options)
    {
        var runs = int.Parse(BenchmarkOptions.Option(options, "--runs", "7"));
        var only = BenchmarkOptions.Option(options, "--only", "");
        var settings = BenchmarkOptions.Session(options, threads: "2");
        var missing = options.Contains("--alone") ? "Alone, as asked for" : TorchSession.Missing(settings);
        GradientBlock[] blocks =
        [
            GradientBlocks.Residual(32, 256, 16),
            GradientBlocks.Attention(32, 256, 16),
            GradientBlocks.Residual(16, 64, 32),
            GradientBlocks.Residual(16, 128, 8),
            GradientBlocks.Reconstruction(16, 64, 32),
            GradientBlocks.Reconstruction(16, 128, 16),
        ];
        Console.WriteLine(
            $"{RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores, ONNX Runtime {OrtEnv.Instance().GetVersionString()}, medians of {RunsPerTurn} runs in each of {runs} turns, {settings.Threads} threads, on {settings.Device}"
        );
        Console.WriteLine(missing is null ? $"PyTorch {torch.__version__}" : $"{missing}: no comparison.");
        Console.WriteLine("| block | what | ms | PyTorch's ms | ratio | fastest | PyTorch's |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        var notes = new List<string>();
        foreach (var block in blocks.Where(b => b.Name.StartsWith(only, StringComparison.Ordinal)))
        {
            notes.AddRange(Time(block, settings, missing is null, runs, options.Contains("--profile")));
        }

        foreach (var network in Networks.Where(n => n.Name.StartsWith(only, StringComparison.Ordinal)))
        {
            notes.AddRange(
                NetworkSteps.Time(network.Build(), settings, missing is null, runs, options.Contains("--profile"))
            );
        }

        Console.WriteLine();
        notes.ForEach(Console.WriteLine);
        return 0;
    }

    private static List<string> Time(
        GradientBlock block,
        SessionSettings settings,
        bool isCompared,
        int runs,
        bool profile
    )
    {
        var notes = new List<string>();
        using var sessions = new GradientSessions(block, settings);
        using var theirs = isCompared ? new TorchSession(block, settings) : null;
        if (theirs is not null)
        {
            notes.Add($"{block.Name}: {sessions.Compare(theirs)}");
        }

        foreach (var kind in Kinds)
        {
            var (times, theirTimes) = (new List<double>(), new List<double>());
            for (var run = 0; run < runs; run++)
            {
                times.AddRange(Times(() => sessions.Run(kind), RunsPerTurn));
                if (theirs is not null)
                {
                    theirTimes.AddRange(Times(() => theirs.Run(kind), RunsPerTurn));
                }
            }

            WriteRow(block.Name, kind, times, theirTimes);
        }

        if (profile)
        {
            notes.Add($"{block.Name}: {sessions.Profile()}");
        }

        return notes;
    }

    /// <summary>Writes the medians and the fastest of the times of both.</summary>
    public static void WriteRow(string name, string kind, List<double> ours, List<double> theirs) =>
        Console.WriteLine(
            $"| {name} | {kind} | {Median(ours):F1} | {Median(theirs):F1} | {Median(ours) / Median(theirs):F2} | {ours.Min():F1} | {theirs.DefaultIfEmpty(double.NaN).Min():F1} |"
        );

    /// <summary>The times of a few runs behind one that does not count: the other's threads still spin in the first.</summary>
    public static IEnumerable<double> Times(Action run, int count)
    {
        run();
        for (var i = 0; i < count; i++)
        {
            var watch = Stopwatch.StartNew();
            run();
            yield return watch.Elapsed.TotalMilliseconds;
        }
    }

    private static double Median(List<double> values) =>
        values.Count == 0 ? double.NaN : values.Order().ElementAt(values.Count / 2);
}
