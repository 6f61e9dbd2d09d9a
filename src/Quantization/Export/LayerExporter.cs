using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Export;

/// <summary>Rewrites one layer after the other into its integer form.</summary>
internal sealed class LayerExporter(GraphEditor editor, ActivationExporter activations, WeightDecoder weights)
{
    public void Export(OnnxNode node, LayerPlan layer, QuantizationPlan plan)
    {
        if (layer.Kind == LayerKind.MatrixProduct && layer.Inputs.Any(plan.Logarithmic.Contains))
        {
            // Powers of two have no integer kernel: such a product takes its factors as floats.
            Redirect(node, [.. node.Inputs.Zip(layer.Inputs, activations.Floats)]);
            CastOutput(node);
            return;
        }

        if (layer.Kind == LayerKind.MatrixProduct)
        {
            Redirect(
                node,
                activations.Dequantized(node.Inputs[0], layer.Inputs[0]),
                activations.Dequantized(
                    node.Inputs[1],
                    layer.Inputs[1],
                    signed: !activations.IsWrittenByProduct(layer.Inputs[1])
                )
            );
            CastOutput(node);
            return;
        }

        var input = plan.Activations[layer.Inputs[0]];
        var bias = Bias(node, layer);
        var weight = bias is null ? layer.Weight! : IntegerBias.MakeRoom(bias, layer.Weight!, input);
        if (layer.AddsBiasInFloat)
        {
            ExportConvInteger(node, layer, weight, input, bias);
            return;
        }

        var weightName = node.Inputs[1];
        var dequantizedWeight = editor.Node(
            "DequantizeLinear",
            $"{weightName}_dequantized",
            [
                weights.Int8(weightName, weight),
                Scales(weightName, weight),
                ZeroPoints(ElementType.Int8, weight.Scales.Length),
            ],
            ("axis", (long)weight.Axis)
        );
        var inputs = new List<string> { activations.Dequantized(node.Inputs[0], layer.Inputs[0]), dequantizedWeight };
        if (bias is not null)
        {
            inputs.Add(Dequantized(node, bias, weight, input));
        }

        Redirect(node, [.. inputs]);
        if (layer.Output is { } output)
        {
            node.Outputs[0] = activations.BehindLayer(node.Outputs[0], output);
        }
        else
        {
            CastOutput(node);
        }
    }

    public void ExportWeightOnly(OnnxNode node, LayerPlan layer)
    {
        var weight = editor.Graph.Initializers[node.Inputs[layer.WeightInput]];
        node.Inputs[layer.WeightInput] = weights.Floats(weight, layer.Weight!);
        if (layer.BiasCorrection is not null && layer.BiasOf(node) is { } bias)
        {
            var original = editor.Graph.Initializers[bias];
            var values = layer.Corrected(original);
            var name = editor.Constant(OnnxTensor.Of($"{bias}_corrected", values.AsSpan(), values.Length));
            node.Inputs[2] = editor.Cast(name, ElementType.Float, original.ElementType, $"{name}_cast");
        }
    }

    /// <summary>
    /// A convolution whose output must not be rounded to 8 bits (the network's own output): its int32 sums go to float
    /// directly. No fused kernel exists for that, so it is for small layers.
    /// </summary>
    private void ExportConvInteger(
        OnnxNode node,
        LayerPlan layer,
        QuantizedWeight weight,
        UniformQuantizer input,
        float[]? bias
    )
    {
        // ConvInteger takes int8 weights in newer runtimes only; the same codes with 128 for zero run in all of them.
        var name = node.Inputs[1];
        var bytes = weight.ToInt8().Select(v => (byte)(v + 128)).ToArray();
        var codes = editor.Constant(OnnxTensor.Of($"{name}_uint8", bytes.AsSpan(), [.. weight.Dims]));
        var zero = editor.Shared("uint8_128", n => OnnxTensor.Of(n, [(byte)128]));
        var output = node.Outputs[0];
        var sums = editor.Unique($"{output}_sums");
        var integer = new OnnxNode(
            "ConvInteger",
            [
                activations.Codes(node.Inputs[0], layer.Inputs[0]),
                codes,
                activations.Parameters(layer.Inputs[0])[1],
                zero,
            ],
            [sums],
            node.Name
        );
        foreach (var (key, value) in node.Attributes)
        {
            integer.Attributes[key] = value;
        }

        editor.Graph.Replace(node, integer);
        var perChannel = new long[weight.Dims.Count];
        Array.Fill(perChannel, 1);
        perChannel[1] = weight.Dims[0];
        var scales = weight.Scales.Select(s => s * input.Scale).ToArray();
        var floats = editor.Cast(sums, ElementType.Int32, ElementType.Float, $"{output}_sums_float");
        var scale = editor.Constant(OnnxTensor.Of($"{name}_output_scales", scales.AsSpan(), perChannel));
        var type = activations.TypeOf(output);
        var scaled = editor.Unique($"{output}_scaled");
        var last = type == ElementType.Float ? output : editor.Unique($"{output}_float");
        if (bias is not null)
        {
            editor.NodeTo(scaled, "Mul", [floats, scale]);
            editor.NodeTo(
                last,
                "Add",
                [scaled, editor.Constant(OnnxTensor.Of($"{name}_output_bias", bias.AsSpan(), perChannel))]
            );
        }
        else
        {
            editor.NodeTo(last, "Mul", [floats, scale]);
        }

        if (type != ElementType.Float)
        {
            editor.NodeTo(output, "Cast", [last], ("to", (long)type));
        }
    }

    private float[]? Bias(OnnxNode node, LayerPlan layer) =>
        layer.BiasOf(node) is { } bias ? layer.Corrected(editor.Graph.Initializers[bias]) : null;

    private string Scales(string weightName, QuantizedWeight weight) =>
        editor.Constant(OnnxTensor.Of($"{weightName}_scales", weight.Scales.AsSpan(), weight.Scales.Length));

    private string ZeroPoints(ElementType type, int count) =>
        editor.Shared(
            $"{type}_zeros_{count}".ToLowerInvariant(),
            n => new(n, type, [count], new byte[type.ByteSize(count)])
        );

    /// <summary>The bias as int32 with the scale that the kernel's sums have.</summary>
    private string Dequantized(OnnxNode node, float[] bias, QuantizedWeight weight, UniformQuantizer input)
    {
        var name = node.Inputs[2];
        var (codes, scales) = IntegerBias.Of(bias, weight, input);
        var integers = editor.Constant(OnnxTensor.Of($"{name}_int32", codes.AsSpan(), codes.Length));
        var scale = editor.Constant(OnnxTensor.Of($"{name}_scales", scales.AsSpan(), scales.Length));
        return editor.Node(
            "DequantizeLinear",
            $"{name}_dequantized",
            [integers, scale, ZeroPoints(ElementType.Int32, codes.Length)],
            ("axis", 0L)
        );
    }

    /// <summary>Gives a node other inputs; what it computes is float32 from now on.</summary>
    private static void Redirect(OnnxNode node, params ReadOnlySpan<string> inputs)
    {
        node.Inputs.Clear();
        node.Inputs.AddRange(inputs);
    }

    private void CastOutput(OnnxNode node)
    {
        var output = node.Outputs[0];
        var type = activations.TypeOf(output);
        if (type != ElementType.Float)
        {
            node.Outputs[0] = editor.Unique($"{output}_float");
            editor.NodeTo(output, "Cast", [node.Outputs[0]], ("to", (long)type));
        }
    }
}
