namespace DiffusionQuant.Onnx.Serialization;

/// <summary>How a model is written.</summary>
public sealed record SaveOptions
{
    /// <summary>Weights inside the file while it stays under 1.9 GB, beside it otherwise.</summary>
    public static SaveOptions Default { get; } = new();

    /// <summary>The name of the external file, relative to the model's folder; by default the model's name and <c>.data</c>.</summary>
    public string? ExternalDataName { get; init; }

    /// <summary>Weights go beside the model when the file would be larger than this many bytes.</summary>
    public long SingleFileLimit { get; init; } = 1_900_000_000;

    /// <summary>Tensors smaller than this many bytes stay inside the model in any case.</summary>
    public int ExternalThreshold { get; init; } = 1024;
}
