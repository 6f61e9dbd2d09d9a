namespace DiffusionQuant.Quantization.Plan;

/// <summary>What a layer computes.</summary>
public enum LayerKind
{
    /// <summary>A convolution with constant weights.</summary>
    Convolution,

    /// <summary>A transposed convolution with constant weights; no integer kernel exists for it.</summary>
    TransposedConvolution,

    /// <summary>Gemm with constant weights.</summary>
    Gemm,

    /// <summary>MatMul with constant weights on the right.</summary>
    Linear,

    /// <summary>MatMul of two activations, as in attention.</summary>
    MatrixProduct,

    /// <summary>Anything else that multiplies with weights or activations; it computes in float.</summary>
    Other,
}
