namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>Quantizing and dequantizing; the integer products stand with their float relatives.</summary>
internal static class QuantizationRules
{
    public static void AddTo(RuleTable rules)
    {
        rules.Add("QuantizeLinear", Quantize);
        rules.AddMicrosoft("QuantizeLinear", Quantize);
        rules.Add("DequantizeLinear", Dequantize);
        rules.AddMicrosoft("DequantizeLinear", Dequantize);
        rules.Add("DynamicQuantizeLinear", Dynamic);
        foreach (var opType in (string[])["QLinearAdd", "QLinearMul"])
        {
            rules.AddMicrosoft(opType, Binary);
        }

        foreach (var opType in (string[])["QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax"])
        {
            rules.AddMicrosoft(opType, c => c.SetLike(0, 0));
        }
    }

    private static void Quantize(RuleContext c)
    {
        var fallback = c.TypeOf("output_dtype", ElementType.UInt8);
        c.Set(0, c.Has(2) ? c.Type(2) : fallback, c.Shape(0));
    }

    private static void Dequantize(RuleContext c) => c.Set(0, c.TypeOf("output_dtype", c.Type(1)), c.Shape(0));

    private static void Dynamic(RuleContext c)
    {
        c.Set(0, ElementType.UInt8, c.Shape(0));
        c.Set(1, ElementType.Float, TensorShape.Scalar);
        c.Set(2, ElementType.UInt8, TensorShape.Scalar);
    }

    /// <summary>Two operands, each with scale and zero point behind it.</summary>
    private static void Binary(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        c.Set(0, c.Type(0), ShapeArithmetic.Broadcast(c.Shape(0), c.Shape(3)));
    }
}
