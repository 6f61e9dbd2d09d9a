using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Methods;

/// <summary>A method: a name and the passes that make it. Reading a method's file is reading the paper's recipe.</summary>
/// <param name="Name">The name in recipes, lower case.</param>
/// <param name="Summary">What it is, in one line.</param>
/// <param name="Passes">What it does, in order.</param>
public sealed record QuantizationMethod(string Name, string Summary, IReadOnlyList<IQuantizationPass> Passes)
{
    private const int UsualSamples = 256;

    /// <summary>How many pairs (x_t, t) it calibrates on, for an effort, where the recipe does not say.</summary>
    public Func<Effort, int> CalibrationSamples { get; init; } = _ => UsualSamples;

    /// <summary>How it chooses their timesteps where the recipe does not say.</summary>
    public TimestepLaw TimestepSampling { get; init; } = TimestepLaw.EveryK;
}
