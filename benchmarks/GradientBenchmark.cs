using System.Diagnostics;
using System.Runtime.InteropServices;
using DiffusionQuant.Engine;
using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Benchmarks;

/// <summary>
/// Time of tuning a block, beside PyTorch where there is one: both take turns, and must agree in loss, gradients and tuned
/// parameters. Only ratios within one run mean anything.
/// </summary>
internal static class GradientBenchmark
{
    private const int Threads = 2;
    private static readonly string[] Kinds = ["forward", "backward", "step"];

    public static int Run(string[] options)
    {
        var runs = int.Parse(BenchmarkOptions.Option(options, "--runs", "7"));
        var only = BenchmarkOptions.Option(options, "--only", "");
        using var torch = options.Contains("--alone")
            ? null
            : TorchProcess.Start(Threads, Path.Combine("gradients", "step.py"));
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
            $"{RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores, ONNX Runtime {OrtEnv.Instance().GetVersionString()}, medians of 3 runs in each of {runs} turns, {Threads} threads"
        );
        Console.WriteLine(torch is null ? "No Python with PyTorch was found: no comparison." : "");
        Console.WriteLine("| block | what | ms | PyTorch's ms | ratio | fastest | PyTorch's |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        var notes = new List<string>();
        foreach (var block in blocks.Where(b => b.Name.StartsWith(only, StringComparison.Ordinal)))
        {
            notes.AddRange(Time(block, torch, runs, options.Contains("--profile")));
        }

        Console.WriteLine();
        notes.ForEach(Console.WriteLine);
        return 0;
    }

    private static List<string> Time(GradientBlock block, TorchProcess? torch, int runs, bool profile)
    {
        var notes = new List<string>();
        var folder = Directory.CreateTempSubdirectory("diffquant-benchmark-").FullName;
        using var sessions = new GradientSessions(block, Threads);
        if (torch is not null)
        {
            block.Write(folder);
            var version = torch.Load(folder);
            notes.Add($"{block.Name}: PyTorch {version}: {sessions.Compare(torch.Check(), folder)}");
        }

        Directory.Delete(folder, recursive: true);
        foreach (var kind in Kinds)
        {
            var (ours, theirs) = (new List<double>(), new List<double>());
            for (var run = 0; run < runs; run++)
            {
                ours.AddRange(Times(() => sessions.Run(kind)));
                if (torch is not null)
                {
                    theirs.AddRange(Times(() => torch.Run(kind)));
                }
            }

            Console.WriteLine(
                $"| {block.Name} | {kind} | {Median(ours):F1} | {Median(theirs):F1} | {Median(ours) / Median(theirs):F2} | {ours.Min():F1} | {theirs.DefaultIfEmpty(double.NaN).Min():F1} |"
            );
        }

        if (profile)
        {
            notes.Add($"{block.Name}: {sessions.Profile()}");
        }

        return notes;
    }

    /// <summary>The times of a few runs behind one that does not count: the other's threads still spin in the first.</summary>
    private static IEnumerable<double> Times(Action run)
    {
        run();
        for (var i = 0; i < 3; i++)
        {
            var watch = Stopwatch.StartNew();
            run();
            yield return watch.Elapsed.TotalMilliseconds;
        }
    }

    private static double Median(List<double> values) =>
        values.Count == 0 ? double.NaN : values.Order().ElementAt(values.Count / 2);
}
