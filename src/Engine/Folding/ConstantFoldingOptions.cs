namespace DiffusionQuant.Engine;

/// <summary>What <see cref="ConstantFolder"/> evaluates.</summary>
public sealed record ConstantFoldingOptions
{
    /// <summary>Everything that is constant, up to 256 MB per value.</summary>
    public static ConstantFoldingOptions Default { get; } = new();

    /// <summary>Whether DequantizeLinear nodes stay, and with them the packed weights of a quantized model.</summary>
    public bool KeepDequantizeLinear { get; init; }

    /// <summary>Values that would take more bytes than this stay computed, such as a large constant made of one number.</summary>
    public long LargestValueBytes { get; init; } = 256L << 20;
}
