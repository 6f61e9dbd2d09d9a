using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Export;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Simulation;

/// <summary>
/// Writes a plan as fake quantization into the float graph: what the exported model computes, in float operators, each of
/// which has a derivative (rounding by straight-through).
/// </summary>
public static class SimulationBuilder
{
    /// <summary>The float graph with fake quantization.</summary>
    /// <param name="model">The float model after the graph passes; not changed.</param>
    /// <param name="plan">Weights and quantizers are chosen.</param>
    public static OnnxModel Build(OnnxModel model, QuantizationPlan plan)
    {
        var copy = model.Clone();
        var editor = new GraphEditor(copy.Graph);
        var nodes = copy.Graph.Nodes.ToDictionary(n => n.Name, StringComparer.Ordinal);
        var quantized = new Dictionary<(string Value, ActivationPoint Point), string>();
        foreach (var layer in plan.Layers.Where(l => l.Mode != LayerMode.Float))
        {
            var node = nodes[layer.Layer];
            if (layer.Weight is { } weight)
            {
                SimulateWeights(editor, node, layer, plan, weight);
            }

            for (var i = 0; i < layer.Inputs.Count; i++)
            {
                var key = (node.Inputs[i], layer.Inputs[i]);
                if (!quantized.TryGetValue(key, out var value))
                {
                    var output = editor.Unique($"{node.Inputs[i]}_simulated{layer.Inputs[i].Bits}");
                    quantized[key] = value = FakeQuantize(
                        editor,
                        node.Inputs[i],
                        output,
                        editor.Graph.TypeOf(node.Inputs[i]),
                        plan.Activations[layer.Inputs[i]]
                    );
                }

                node.Inputs[i] = value;
            }

            if (layer.Output is { } point)
            {
                var output = node.Outputs[0];
                node.Outputs[0] = editor.Unique($"{output}_raw");
                FakeQuantize(editor, node.Outputs[0], output, editor.Graph.TypeOf(output), plan.Activations[point]);
            }
        }

        copy.Graph.SortTopologically();
        copy.Graph.RemoveUnused();
        copy.Graph.ValueInfos.Clear();
        return copy;
    }

    private static void SimulateWeights(
        GraphEditor editor,
        OnnxNode node,
        LayerPlan layer,
        QuantizationPlan plan,
        QuantizedWeight weight
    )
    {
        var bias = layer.Mode == LayerMode.Integer && !node.Is("MatMul") ? node.Input(2) : null;
        if (bias is not null)
        {
            var input = plan.Activations[layer.Inputs[0]];
            var floatBias = editor.Graph.Initializers[bias];
            var values = floatBias.ToFloats();
            weight = IntegerBias.MakeRoom(values.Span, weight, input);
            // A convolution whose kernel writes floats adds its bias in float.
            if (layer.Kind != LayerKind.Convolution || layer.Output is not null)
            {
                node.Inputs[2] = Constant(editor, floatBias, IntegerBias.Of(values.Span, weight, input).ToFloats());
            }
        }

        var original = editor.Graph.Initializers[node.Inputs[layer.WeightInput]];
        node.Inputs[layer.WeightInput] = Constant(editor, original, weight.ToFloats());
    }

    private static string Constant(GraphEditor editor, OnnxTensor original, float[] values)
    {
        var dims = original.ElementCount == values.Length ? original.Dims.ToArray() : [values.Length];
        var name = editor.Constant(OnnxTensor.Of($"{original.Name}_simulated", values.AsSpan(), dims));
        return editor.Cast(name, ElementType.Float, original.ElementType, $"{name}_cast");
    }

    private static string FakeQuantize(
        GraphEditor editor,
        string value,
        string output,
        ElementType type,
        UniformQuantizer quantizer
    )
    {
        var half = type is ElementType.Float16 or ElementType.BFloat16;
        string Number(string name, float number) =>
            editor.Shared($"float_{name}_{number:R}", n => OnnxTensor.Scalar(n, number));

        var scale = Number("scale", quantizer.Scale);
        var zero = Number("zero", quantizer.ZeroPoint);
        var floats = half ? editor.Cast(value, type, ElementType.Float, $"{value}_float") : value;
        var ratio = editor.Node("Div", $"{value}_ratio", [floats, scale]);
        var rounded = editor.Node("Round", $"{value}_rounded", [ratio]);
        var code = editor.Node("Add", $"{value}_code", [rounded, zero]);
        var clipped = editor.Node(
            "Clip",
            $"{value}_clipped",
            [code, Number("least", 0), Number("most", quantizer.MaxCode)]
        );
        var centred = editor.Node("Sub", $"{value}_centred", [clipped, zero]);
        return half
            ? editor.NodeTo(
                output,
                "Cast",
                [editor.Node("Mul", $"{value}_values", [centred, scale])],
                ("to", (long)type)
            )
            : editor.NodeTo(output, "Mul", [centred, scale]);
    }
}
