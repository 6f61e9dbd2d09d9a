using System.Runtime.InteropServices;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Benchmarks;

/// <summary>
/// Where along a sampler quantized networks leave the float network's path, from the same noise: errors of the prediction
/// on the float network's samples, and what has become of the samples themselves, in the background and elsewhere.
/// </summary>
internal static class DriftBenchmark
{
    // Noise that no calibration has seen.
    private const int FirstImage = 2_000_000;

    /// <summary>Below it a pixel of the float network's image is background: estimates of it are clipped at −1 on the way.</summary>
    private const float Background = -0.9f;

    /// <summary>Half of the range of images over that of bytes.</summary>
    private const double Level = 127.5;

    public static int Run(string[] options)
    {
        var path = BenchmarkOptions.Option(options, "--model", QualityBenchmark.SampleModel());
        var bits = BitWidths.Parse(BenchmarkOptions.Option(options, "--bits", "W6A6"));
        var variants = BenchmarkOptions
            .Option(options, "--methods", "tcaq-dm:base,tcaq-dm:+timesteps,tcaq-dm:+tcr")
            .Split(',');
        var effort = RecipeWords.Parse<Effort>("--effort", BenchmarkOptions.Option(options, "--effort", "quick"));
        var count = int.Parse(BenchmarkOptions.Option(options, "--images", "64"));
        var steps = int.Parse(BenchmarkOptions.Option(options, "--steps", "25"));
        var source = DiffusionModel.Load(path);
        var images = Enumerable.Range(FirstImage, count).ToArray();
        var clips = bool.Parse(BenchmarkOptions.Option(options, "--clip", "true"));
        var settings = new TrajectorySettings
        {
            Sampler = new() { Steps = steps, ClipSample = clips ? null : false },
        };
        // Files of some exporters call several nodes the same, which ONNX Runtime refuses.
        var named = source.Model.Clone();
        NormalizeGraph.NameNodes(named.Graph);
        using var floatSession = ModelSession.Load(named);
        using var exact = new OnnxDenoiser(floatSession, source.Contract);
        var floatPath = new Trajectory(exact, source.Schedule, settings).Steps(images).ToArray();
        var isBackground = floatPath[^1].Next.Select(x => x < Background).ToArray();
        Console.WriteLine(
            $"{RuntimeInformation.OSDescription}, ONNX Runtime {OrtEnv.Instance().GetVersionString()}, {bits}, effort {RecipeWords.Of(effort)}, {count} images, {steps} steps of DDIM{(clips ? "" : " without clipping")}; {isBackground.Count(b => b) / (double)isBackground.Length:P0} of pixels are background"
        );
        foreach (var variant in variants)
        {
            var recipe = new Recipe(bits)
            {
                Method = MethodVariants.MethodOf(variant),
                Steps = steps,
                Effort = effort,
            };
            var folder = Directory.CreateTempSubdirectory("diffusionquant-drift-");
            try
            {
                Quantizer.Run(new(path, folder.FullName, recipe), MethodVariants.Passes(variant), null, out _);
                using var session = ModelSession.Load(Path.Combine(folder.FullName, Quantizer.ModelFileName));
                using var quantized = new OnnxDenoiser(session, source.Contract);
                Console.WriteLine();
                Console.WriteLine($"## {variant}");
                Write(
                    floatPath,
                    new Trajectory(quantized, source.Schedule, settings).Steps(images),
                    quantized,
                    isBackground
                );
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }

        return 0;
    }

    private static void Write(
        IReadOnlyList<DenoisingStep> exact,
        IEnumerable<DenoisingStep> quantized,
        OnnxDenoiser denoiser,
        bool[] isBackground
    )
    {
        Console.WriteLine(
            "| t | prediction's SQNR, dB | its mean error in the background | sample's mean error there, levels | elsewhere |"
        );
        Console.WriteLine("|---|---|---|---|---|");
        foreach (var (mine, other) in exact.Zip(quantized))
        {
            var prediction = denoiser.Predict(mine.Call, default);
            Console.WriteLine(
                $"| {TimestepText.Of(mine.Timestep)} | {SignalToNoise.Decibels(mine.Output, prediction):F1} | {MeanError(mine.Output, prediction, isBackground, true):F4} | {Level * MeanError(mine.Next, other.Next, isBackground, true):F2} | {Level * MeanError(mine.Next, other.Next, isBackground, false):F2} |"
            );
        }
    }

    /// <summary>Over all pixels of the background, or over all others.</summary>
    private static double MeanError(float[] exact, float[] other, bool[] isBackground, bool background)
    {
        var (sum, count) = (0.0, 0);
        for (var i = 0; i < exact.Length; i++)
        {
            if (isBackground[i] == background)
            {
                sum += other[i] - exact[i];
                count++;
            }
        }

        return sum / Math.Max(count, 1);
    }
}
