using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization;

/// <summary>Turns each pass's own progress into one fraction over all of them, by their weights.</summary>
internal sealed class StageProgress(IProgress<QuantizationProgress>? progress, IReadOnlyList<IQuantizationPass> passes)
{
    // Export and check follow the passes and take a small share of their own.
    private readonly double total = passes.Sum(p => p.Weight) * 1.1;
    private double before;
    private double current;

    /// <summary>What is done, 0 to 1.</summary>
    public double Fraction => (before + current) / total;

    /// <summary>Starts a pass; the result takes its progress.</summary>
    public Action<double, string?> Begin(IQuantizationPass pass)
    {
        before += current;
        current = 0;
        progress?.Report(new(pass.Name, Fraction, null));
        var start = before;
        current = pass.Weight;
        return (fraction, detail) =>
            progress?.Report(new(pass.Name, (start + (pass.Weight * fraction)) / total, detail));
    }
}
