using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;

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
        var simulation = Build(model, new SimulationParts(plan));
        QuantizerOperators.Lower(simulation);
        simulation.Graph.ValueInfos.Clear();
        return simulation;
    }

    /// <summary>The float graph, or a part of it, with what stands for weights and quantizers.</summary>
    /// <param name="model">The float model; not changed. Layers of the plan that it does not hold are left out.</param>
    /// <param name="parts">Writes weights and quantizers.</param>
    /// <returns>A graph with operators of <see cref="QuantizerOperators.Domain"/>; what is not read in it is still there,
    /// since the parts may leave values for others to make.</returns>
    internal static OnnxModel Build(OnnxModel model, SimulationParts parts)
    {
        var copy = model.Clone();
        var editor = new GraphEditor(copy.Graph);
        var nodes = copy.Graph.Nodes.ToDictionary(n => n.Name, StringComparer.Ordinal);
        var quantized = new Dictionary<(string Value, ActivationPoint Point), string>();
        foreach (var layer in parts.Plan.Layers.Where(l => l.Mode != LayerMode.Float))
        {
            if (!nodes.TryGetValue(layer.Layer, out var node))
            {
                continue;
            }

            if (layer.Weight is { } weight)
            {
                parts.SimulateWeights(editor, node, layer, weight);
            }

            for (var i = 0; i < layer.Inputs.Count; i++)
            {
                var key = (node.Inputs[i], layer.Inputs[i]);
                if (!quantized.TryGetValue(key, out var value))
                {
                    var output = editor.Unique($"{node.Inputs[i]}_simulated{layer.Inputs[i].Bits}");
                    var type = editor.Graph.TypeOf(node.Inputs[i]);
                    Quantize(editor, parts, node.Inputs[i], output, type, layer.Inputs[i]);
                    quantized[key] = value = output;
                }

                node.Inputs[i] = value;
            }

            if (layer.Output is { } point)
            {
                var output = node.Outputs[0];
                node.Outputs[0] = editor.Unique($"{output}_raw");
                Quantize(editor, parts, node.Outputs[0], output, editor.Graph.TypeOf(output), point);
            }
        }

        copy.Graph.SortTopologically();
        return copy;
    }

    /// <summary>Quantizes in float32, whatever the graph computes in.</summary>
    private static void Quantize(
        GraphEditor editor,
        SimulationParts parts,
        string value,
        string output,
        ElementType type,
        ActivationPoint point
    )
    {
        if (type is not (ElementType.Float16 or ElementType.BFloat16))
        {
            parts.Quantize(editor, value, output, point);
            return;
        }

        var inner = editor.Unique($"{output}_float");
        parts.Quantize(editor, editor.Cast(value, type, ElementType.Float, $"{value}_float"), inner, point);
        editor.NodeTo(output, "Cast", [inner], ("to", (long)type));
    }
}
