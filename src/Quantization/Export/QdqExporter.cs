using System.Globalization;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Export;

/// <summary>
/// Writes the quantized model: QuantizeLinear and DequantizeLinear where the plan has points, in the form that ONNX
/// Runtime turns into QLinearConv, QGemm and MatMulIntegerToFloat, over weights that are stored packed.
/// </summary>
public static class QdqExporter
{
    /// <summary>Marks the models that this exporter wrote: in those of packed weights alone no operator tells it.</summary>
    public const string MetadataKey = "diffusionquant.algorithm";

    /// <summary>Exports a plan over the graph it was made for.</summary>
    /// <param name="model">The float model after the graph passes; not changed.</param>
    /// <param name="plan">Weights and quantizers are chosen.</param>
    /// <returns>A model of standard operators whose inputs and outputs are those of <paramref name="model"/>.</returns>
    public static OnnxModel Export(OnnxModel model, QuantizationPlan plan)
    {
        var copy = model.Clone();
        var graph = copy.Graph;
        var nodes = graph.Nodes.ToDictionary(n => n.Name, StringComparer.Ordinal);
        var editor = new GraphEditor(graph);
        var activations = new ActivationExporter(editor, new GraphIndex(model.Graph), plan);
        var layers = new LayerExporter(editor, activations, new WeightDecoder(editor));
        foreach (var layer in plan.Layers.Where(l => l.Mode != LayerMode.Float))
        {
            var node = nodes[layer.Layer];
            if (layer.Mode == LayerMode.Integer)
            {
                layers.Export(node, layer, plan);
            }
            else
            {
                layers.ExportWeightOnly(node, layer);
            }
        }

        graph.SortTopologically();
        graph.RemoveUnused();

        // Shapes and types of the float graph are no longer true for all values, and exporters' notes only cost bytes.
        graph.ValueInfos.Clear();
        foreach (var node in graph.Nodes)
        {
            node.DocString = "";
            node.Metadata.Clear();
        }

        copy.Metadata.RemoveAll(m => m.Key == MetadataKey);
        copy.Metadata.Add(new(MetadataKey, Quantizer.AlgorithmVersion.ToString(CultureInfo.InvariantCulture)));
        return copy;
    }
}
