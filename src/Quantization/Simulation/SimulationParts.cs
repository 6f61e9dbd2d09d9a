using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Simulation;

/// <summary>
/// What stands in a simulation for weights and quantizers. This one takes all from the plan, as constants;
/// reconstruction puts parameters in their place.
/// </summary>
/// <param name="plan">The plan.</param>
internal class SimulationParts(QuantizationPlan plan)
{
    /// <summary>The simulated plan.</summary>
    public QuantizationPlan Plan => plan;

    /// <summary>Gives a layer its simulated weight and bias.</summary>
    public virtual void SimulateWeights(GraphEditor editor, OnnxNode node, LayerPlan layer, QuantizedWeight weight)
    {
        // One that is computed at run time stays as it is; such a layer has no integer kernel.
        var bias = layer.BiasOf(node) is { } name ? editor.Graph.Initializers.GetValueOrDefault(name) : null;
        if (layer.Mode == LayerMode.Integer && bias is not null)
        {
            var input = plan.Activations[layer.Inputs[0]];
            var values = layer.Corrected(bias);
            weight = IntegerBias.MakeRoom(values, weight, input);
            // A convolution whose kernel writes floats adds its bias in float.
            node.Inputs[2] = Constant(
                editor,
                bias,
                layer.AddsBiasInFloat ? values : IntegerBias.Of(values, weight, input).ToFloats()
            );
        }
        else
        {
            CorrectBias(editor, node, layer);
        }

        var original = editor.Graph.Initializers[node.Inputs[layer.WeightInput]];
        node.Inputs[layer.WeightInput] = Constant(editor, original, weight.ToFloats());
    }

    /// <summary>Writes the fake quantization of a value.</summary>
    /// <param name="editor">The graph.</param>
    /// <param name="value">The value, float32.</param>
    /// <param name="output">The name that the result must have.</param>
    /// <param name="point">Its point.</param>
    public virtual void Quantize(GraphEditor editor, string value, string output, ActivationPoint point)
    {
        if (plan.Logarithmic.Contains(point))
        {
            LogarithmicQuantizer.Write(editor, value, point.Bits, output);
            return;
        }

        var quantizer = plan.Activations[point];
        var scale = editor.Shared($"float_scale_{quantizer.Scale:R}", n => OnnxTensor.Scalar(n, quantizer.Scale));
        QuantizerOperators.AddFakeQuantize(
            editor,
            value,
            scale,
            quantizer.ZeroPoint,
            quantizer.MaxCode,
            output: output
        );
    }

    /// <summary>Gives a layer its corrected bias, in float.</summary>
    protected static void CorrectBias(GraphEditor editor, OnnxNode node, LayerPlan layer)
    {
        // One that is computed at run time stays as it is.
        if (
            layer.BiasCorrection is not null
            && layer.BiasOf(node) is { } name
            && editor.Graph.Initializers.TryGetValue(name, out var bias)
        )
        {
            node.Inputs[2] = Constant(editor, bias, layer.Corrected(bias));
        }
    }

    /// <summary>Rounds to powers of two, straight through for derivatives: the logarithm's own is infinite at zero.</summary>
    protected static void RoundLogarithm(GraphEditor editor, string value, string output, int bits)
    {
        var rounded = LogarithmicQuantizer.Write(editor, value, bits);
        var error = editor.Node("Sub", $"{value}_rounding", [rounded, value]);
        editor.NodeTo(output, "Add", [value, QuantizerOperators.AddStopGradient(editor, error)]);
    }

    /// <summary>A constant in place of another of the same type; where it has another size it is a vector.</summary>
    protected static string Constant(GraphEditor editor, OnnxTensor original, float[] values)
    {
        var dims = original.ElementCount == values.Length ? original.Dims.ToArray() : [values.Length];
        var name = editor.Constant(OnnxTensor.Of($"{original.Name}_simulated", values.AsSpan(), dims));
        return editor.Cast(name, ElementType.Float, original.ElementType, $"{name}_cast");
    }
}
