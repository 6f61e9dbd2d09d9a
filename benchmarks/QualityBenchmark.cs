using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Quantization;
using DiffusionQuant.Quantization.Recipes;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Benchmarks;

/// <summary>The quality of quantized files beside the float model's, on the images of the same noise.</summary>
internal static class QualityBenchmark
{
    private static readonly string[] Formats = ["W8A8", "W4A8", "W4A4"];
    private static readonly string[] Methods = ["minmax", "mse"];

    public static int Run(string[] options)
    {
        var images = int.Parse(BenchmarkOptions.Option(options, "--images", "2000"), CultureInfo.InvariantCulture);
        var steps = int.Parse(BenchmarkOptions.Option(options, "--steps", "25"), CultureInfo.InvariantCulture);
        var model = BenchmarkOptions.Option(options, "--model", SampleModel());
        var root = Directory.CreateTempSubdirectory("diffusionquant-quality-");
        try
        {
            Run(model, images, steps, root.FullName);
        }
        finally
        {
            root.Delete(recursive: true);
        }

        return 0;
    }

    private static void Run(string model, int images, int steps, string root)
    {
        var paired = Math.Min(images, 256);
        Console.WriteLine(
            $"{RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores, ONNX Runtime {OrtEnv.Instance().GetVersionString()}; {images} images ({paired} paired), {steps} steps of DDIM, seed {EvaluationRequest.UsualSeed}"
        );
        var best = new Dictionary<string, double>();
        var baseline = Directory.CreateDirectory(Path.Combine(root, "float")).FullName;
        EvaluationReport? first = null;
        foreach (var format in Formats)
        {
            foreach (var method in Methods)
            {
                var started = Stopwatch.GetTimestamp();
                var folder = Directory.CreateDirectory(Path.Combine(root, $"{format}-{method}")).FullName;
                Quantizer.Run(
                    new(model, folder, new Recipe(BitWidths.Parse(format)) { Method = method, Steps = steps })
                );
                var quantized = Stopwatch.GetElapsedTime(started);
                using var setup = EvaluationSetup.Of(
                    new(folder)
                    {
                        FloatPath = model,
                        DistributionImages = images,
                        PairedImages = paired,
                    }
                );
                var work = Path.Combine(root, "work");
                if (first is null)
                {
                    Evaluator.MakeBaseline(setup, baseline, work);
                }

                var part = Evaluator.Measure(setup, baseline, work);
                var report = Evaluator.Assemble([(folder, part)], setup.Reference, folder);
                if (first is null)
                {
                    first = report;
                    WriteHead(report);
                    WriteRow("float", "", report.FindFloat, 1, null);
                }

                WriteRow(format, method, report.Find, report.Find(MetricCatalog.SizeRatio)!.Value, quantized);
                var fid = report.Find(MetricCatalog.Fid)!.Value;
                best[format] = Math.Min(fid, best.GetValueOrDefault(format, double.MaxValue));
            }
        }

        Console.WriteLine();
        Console.WriteLine(
            $"generation at {GenerationLoop.Efficiency(model, 16, steps):F3} of the bare ONNX Runtime loop's speed (float, batch 16)"
        );
        Console.WriteLine(
            $"quality float {first!.FindFloat(MetricCatalog.Fid)!.Value:F3} W8A8 {best["W8A8"]:F3} W4A8 {best["W4A8"]:F3}"
        );
    }

    private static void WriteHead(EvaluationReport report)
    {
        Console.WriteLine(
            $"reference {report.Reference!.Name} ({report.Reference.Images} images, {report.Reference.Sha256[..12]}), extractor {report.Extractor!.Name} ({report.Extractor.Sha256[..12]}), model {report.Float!.Sha256[..12]}"
        );
        Console.WriteLine();
        Console.WriteLine(
            $"| bits | method | {report.Label(MetricCatalog.Fid)} | ± | {report.Label(MetricCatalog.Kid)} | {report.Label(MetricCatalog.FidToFloat)} | PSNR, dB | SSIM | noise SQNR, dB | of float's bytes | quantized in, s |"
        );
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|");
    }

    private static void WriteRow(
        string bits,
        string method,
        Func<string, Metric?> find,
        double size,
        TimeSpan? quantizing
    ) =>
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"| {bits} | {method} | {find(MetricCatalog.Fid)?.Value:F3} | {find(MetricCatalog.Fid)?.StandardError:F3} | {find(MetricCatalog.Kid)?.Value:F5} | {find(MetricCatalog.FidToFloat)?.Value:F3} | {find(MetricCatalog.Psnr)?.Value:F2} | {find(MetricCatalog.Ssim)?.Value:F4} | {find(MetricCatalog.NoiseSqnr)?.Value:F2} | {size:F3} | {quantizing?.TotalSeconds:F0} |"
            )
        );

    /// <summary>The float model of a sample app.</summary>
    /// <param name="model">Its folder below the samples'.</param>
    public static string SampleModel(string model = "ImageApp/Models/ddpm-fashion")
    {
        foreach (var start in (string[])[AppContext.BaseDirectory, Environment.CurrentDirectory])
        {
            for (var folder = start; folder is not null; folder = Path.GetDirectoryName(folder))
            {
                var path = Path.Combine(folder, "samples", model);
                if (Directory.Exists(path))
                {
                    return path;
                }
            }
        }

        throw new DirectoryNotFoundException(
            "The sample's model was found neither above the benchmark's own folder nor above the current one."
        );
    }
}
