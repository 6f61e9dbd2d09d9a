using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.ShapeInference;
using DiffusionQuant.Quantization.Blocks;
using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>A unit cut out of the float graph, with all sizes fixed for a batch.</summary>
internal static class UnitGraph
{
    /// <summary>Cuts a unit out.</summary>
    /// <param name="model">The float graph; not changed.</param>
    /// <param name="unit">The unit.</param>
    /// <param name="data">Tells the sizes of its inputs.</param>
    /// <param name="batch">Pairs in a batch.</param>
    public static OnnxModel Cut(OnnxModel model, ReconstructionUnit unit, UnitData data, int batch)
    {
        var graph = model.Graph.Cut(unit.Inputs, unit.Outputs);
        graph.ValueInfos.Clear();
        for (var i = 0; i < graph.Inputs.Count; i++)
        {
            var name = graph.Inputs[i].Name;
            graph.Inputs[i] = new(
                name,
                model.Graph.TypeOf(name),
                TensorShape.Of(BatchDims(data.Inputs[name].RowDims, batch))
            );
        }

        for (var i = 0; i < graph.Outputs.Count; i++)
        {
            // Its own shape follows; the float graph's has symbols.
            graph.Outputs[i] = new(graph.Outputs[i].Name, model.Graph.TypeOf(graph.Outputs[i].Name), null);
        }

        var part = model.WithGraph(graph);
        ShapeInferrer.Infer(part);
        return part;
    }

    /// <summary>The sizes of a value for a batch of rows.</summary>
    public static long[] BatchDims(IReadOnlyList<long> rowDims, int batch) => [rowDims[0] * batch, .. rowDims.Skip(1)];
}
