using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Search;

/// <summary>Which sensitivities to measure, and how.</summary>
public sealed record SensitivityRequest
{
    /// <summary>Counts up whenever the same request would give other numbers; part of cache keys.</summary>
    public const int AlgorithmVersion = 1;

    /// <summary>The usual number of pairs.</summary>
    public const int UsualPairs = 16;

    /// <summary>The usual widths.</summary>
    public static IReadOnlyList<int> UsualWidths { get; } = [2, 3, 4, 5, 6, 8];

    /// <summary>Takes from a recipe what decides a measurement, and leaves out what does not, so that one measurement serves
    /// every budget, policy and set of rules.</summary>
    /// <param name="modelPath">An <c>.onnx</c> file or a model's folder.</param>
    /// <param name="recipe">Method, sampler, seed, inputs, device.</param>
    /// <param name="pairs">How many pairs (x_t, t) to measure on; the law of timesteps may round it up.</param>
    /// <param name="widths">The widths to measure, each from 2 to 8 bits.</param>
    public SensitivityRequest(string modelPath, Recipe recipe, int pairs, IEnumerable<int> widths)
    {
        ModelPath = modelPath;
        Widths = [.. widths.Distinct().Order()];
        var usual = new Recipe(recipe.Bits);
        Recipe = recipe with
        {
            // The graph's form depends on whether activations are quantized, but not on the width.
            Bits = new(8, recipe.Bits.QuantizesActivations ? 8 : BitWidths.FloatBits),
            Policy = Policy.Strict,
            Rules = [],
            SoftmaxBits = usual.SoftmaxBits,
            Effort = usual.Effort,
            Iterations = null,
            CalibrationSamples = pairs,
            SampleSelection = SampleSelection.All,
            WeightsSha256 = null,
        };
    }

    /// <summary>The model.</summary>
    public string ModelPath { get; }

    /// <summary>All that decides the measurement, with <see cref="Widths"/> and the model.</summary>
    public Recipe Recipe { get; }

    /// <summary>The widths, rising.</summary>
    public IReadOnlyList<int> Widths { get; }

    /// <summary>Where finished layers are kept, for a run that goes on later: a folder that stands for all that decides the
    /// measurement. Null for nowhere.</summary>
    public string? WorkFolder { get; init; }
}
