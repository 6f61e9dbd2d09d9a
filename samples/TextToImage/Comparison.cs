using System.Diagnostics;
using DiffusionQuant.Diffusion;

namespace TextToImage;

/// <summary>The same prompts and the same noise through the float and the quantized model.</summary>
internal static class Comparison
{
    /// <summary>Draws, writes the picture, and tells what was measured.</summary>
    public static string Run(CommandLine command, string file)
    {
        var folder = DiffusionModels.SdClothes.Folder;
        var floatFolder = Path.Combine(AppContext.BaseDirectory, "Float", "sd-clothes");
        using var original = DiffusionPipeline.Load(floatFolder, Drawing.Pipeline);
        using var quantized = DiffusionModels.SdClothes.Load(Drawing.Pipeline);
        // Threads and caches warm up on what is not timed.
        Draw(original, command, 0, steps: 1);
        Draw(quantized, command, 0, steps: 1);
        original.Warn = warning => Console.Error.WriteLine($"warning: {warning.Code}: {warning.Message}");

        // In turn, so that what else the machine does slows both down.
        var drawn = command
            .Prompts.Select((_, k) => (Float: Draw(original, command, k), Quantized: Draw(quantized, command, k)))
            .ToArray();
        var (floats, codes) = (drawn.Select(d => d.Float), drawn.Select(d => d.Quantized));
        ImageGrid.SavePng([.. floats.Concat(codes).Select(d => d.Picture)], drawn.Length, file);

        double[] psnr = [.. drawn.Select(d => Psnr(d.Float.Picture, d.Quantized.Picture))];
        var rows = command.Prompts.Select((prompt, k) => $"          {psnr[k]:F1} dB  {prompt}");
        var settings = $"{command.Steps} steps, guidance {command.Guidance}, seed {command.Seed}";
        var (floatTime, time) = (Median(floats), Median(codes));
        return $"""
            picture:  {file}
                      the row above is float, the row below quantized, each pair from the same noise; from the left:
            {string.Join('\n', rows)}
            quality:  {psnr.Average():F1} dB PSNR between the rows on average ({settings})
            denoiser: {Megabytes(floatFolder):F1} MB float, {Megabytes(folder):F1} MB quantized
            time:     {floatTime:F2} s per picture float, {time:F2} s quantized (medians, {Environment.ProcessorCount} cores; text encoder and VAE, float in both, included)
            """;
    }

    private static (GeneratedImage Picture, double Seconds) Draw(
        DiffusionPipeline pipeline,
        CommandLine command,
        int index,
        int? steps = null
    )
    {
        var options = Drawing.Generation(command.Steps, command.Guidance) with { FirstImage = index };
        var watch = Stopwatch.StartNew();
        var pictures = pipeline.Generate(command.Prompts[index], seed: command.Seed, steps: steps, options: options);
        return (pictures[0], watch.Elapsed.TotalSeconds);
    }

    /// <summary>10·log10(4 / mean squared error): pixels are in [−1, 1], so their range is 2.</summary>
    private static double Psnr(GeneratedImage one, GeneratedImage other) =>
        10 * Math.Log10(4 / one.Pixels.Zip(other.Pixels, (a, b) => (double)(a - b) * (a - b)).Average());

    private static double Median(IEnumerable<(GeneratedImage Picture, double Seconds)> drawn)
    {
        double[] seconds = [.. drawn.Select(d => d.Seconds).Order()];
        return (seconds[(seconds.Length - 1) / 2] + seconds[seconds.Length / 2]) / 2;
    }

    private static double Megabytes(string model) =>
        new FileInfo(Path.Combine(model, "unet", "model.onnx")).Length / 1e6;
}
