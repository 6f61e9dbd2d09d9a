namespace DiffusionQuant.Tool.Inspection;

/// <summary>A model as a whole.</summary>
internal sealed record ModelTotals
{
    /// <summary>How many layers could be quantized.</summary>
    public required int Layers { get; init; }

    /// <summary>How many of them are.</summary>
    public int QuantizedLayers { get; init; }

    /// <summary>Numbers in the weights and biases of layers.</summary>
    public required long LayerParameters { get; init; }

    /// <summary>Size of its files.</summary>
    public required long Bytes { get; init; }

    /// <summary>Size of the files of the float model that it was made from; null where this is one.</summary>
    public long? FloatBytes { get; init; }

    /// <summary>How many times smaller than that it is.</summary>
    public double? Ratio { get; init; }

    /// <summary>The least SQNR of the network's output over the timesteps that were checked, in dB.</summary>
    public double? LeastOutputSqnr { get; init; }

    /// <summary>The timestep of that.</summary>
    public double? WorstTimestep { get; init; }
}
