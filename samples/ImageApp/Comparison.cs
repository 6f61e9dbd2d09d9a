using System.Diagnostics;
using DiffusionQuant.Diffusion;

namespace ImageApp;

/// <summary>The same images from two pipelines, and how far apart they are.</summary>
internal sealed record Comparison(
    IReadOnlyList<GeneratedImage> Float,
    IReadOnlyList<GeneratedImage> Quantized,
    double FloatStep,
    double QuantizedStep
)
{
    /// <summary>10·log10(4 / mean squared error): pixels are in [−1, 1], so their range is 2.</summary>
    public double Psnr
    {
        get
        {
            var errors = Float
                .Zip(Quantized)
                .SelectMany(p => p.First.Pixels.Zip(p.Second.Pixels, (a, b) => (a - b) * (a - b)));
            return 10 * Math.Log10(4 / errors.Average(e => (double)e));
        }
    }

    public static Comparison Run(
        DiffusionPipeline original,
        DiffusionPipeline quantized,
        int count,
        int steps,
        ulong seed
    )
    {
        // Threads and caches warm up on a run that is not timed.
        original.Generate(count, seed, 1);
        quantized.Generate(count, seed, 1);
        var (floats, floatTime) = Timed(() => original.Generate(count, seed, steps));
        var (codes, codesTime) = Timed(() => quantized.Generate(count, seed, steps));
        return new(floats, codes, floatTime / steps, codesTime / steps);
    }

    private static (IReadOnlyList<GeneratedImage> Images, double Milliseconds) Timed(
        Func<IReadOnlyList<GeneratedImage>> generate
    )
    {
        var watch = Stopwatch.StartNew();
        return (generate(), watch.Elapsed.TotalMilliseconds);
    }
}
