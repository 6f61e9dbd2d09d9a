using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Export;

namespace DiffusionQuant.Quantization;

/// <summary>Refuses models that cannot be quantized, before the long part begins.</summary>
internal static class SourceCheck
{
    // Per-channel scales came to QuantizeLinear and DequantizeLinear with opset 13.
    private const long LeastOpset = 13;

    public static void Run(DiffusionModel source)
    {
        var model = source.Model;
        if (model.Metadata.Exists(m => m.Key == QdqExporter.MetadataKey) || model.Graph.Nodes.Exists(IsQuantized))
        {
            throw QuantizationErrors.AlreadyQuantized(source.ModelPath);
        }

        if (model.Opset < LeastOpset)
        {
            throw QuantizationErrors.OpsetTooLow(source.ModelPath, model.Opset, LeastOpset);
        }
    }

    private static bool IsQuantized(OnnxNode node) =>
        node.OpType.StartsWith("QLinear", StringComparison.Ordinal)
        || node.OpType.StartsWith("DynamicQuantize", StringComparison.Ordinal)
        || node.OpType.StartsWith("MatMulInteger", StringComparison.Ordinal)
        || node.OpType is "QuantizeLinear" or "ConvInteger" or "QGemm" or "QAttention" or "MatMulNBits" or "MatMulBnb4";
}
