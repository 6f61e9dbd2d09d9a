using DiffusionQuant.Quantization.Artifacts;

namespace DiffusionQuant.Tool.Inspection;

/// <summary>One layer, as <c>inspect</c> shows it. What is not known, or not so in this model, is null.</summary>
internal sealed record LayerRow
{
    /// <summary>The layer's name in the graph.</summary>
    public required string Name { get; init; }

    /// <summary>Its operator in the float graph.</summary>
    public required string Operator { get; init; }

    /// <summary>Where it stands, in the words of layer rules.</summary>
    public required IReadOnlyList<string> Positions { get; init; }

    /// <summary>Sizes of its weights; null for a product of two activations.</summary>
    public IReadOnlyList<long>? WeightShape { get; init; }

    /// <summary>Numbers in its weights and bias.</summary>
    public long Parameters { get; init; }

    /// <summary><c>W4A8</c>, <c>W4</c>, <c>A8</c> or <c>float</c>; null in a float model.</summary>
    public string? Bits { get; init; }

    /// <summary>The mean width of its output channels' weights, where they differ.</summary>
    public double? MeanWeightBits { get; init; }

    /// <summary>The output channels of each width, where they differ.</summary>
    public IReadOnlyList<ChannelWidth>? ChannelWidths { get; init; }

    /// <summary>The least weight.</summary>
    public float? WeightMin { get; init; }

    /// <summary>The greatest weight.</summary>
    public float? WeightMax { get; init; }

    /// <summary>Signal to quantization noise of the weights, in dB.</summary>
    public double? WeightSqnr { get; init; }

    /// <summary>The least value that calibration saw at its input.</summary>
    public float? ActivationMin { get; init; }

    /// <summary>The greatest one.</summary>
    public float? ActivationMax { get; init; }

    /// <summary>The step of its input's codes.</summary>
    public float? ActivationScale { get; init; }

    /// <summary>Signal to quantization noise of its input, in dB; the lower of two.</summary>
    public double? ActivationSqnr { get; init; }

    /// <summary>Signal to quantization noise of its output, in dB, errors of earlier layers included.</summary>
    public double? OutputSqnr { get; init; }

    /// <summary>Why it is as it is, where that is known.</summary>
    public string? Note { get; init; }
}
