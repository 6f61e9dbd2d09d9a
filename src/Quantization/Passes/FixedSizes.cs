using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.ShapeInference;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>A network with the sizes of one call, so that all that depends on them is a number.</summary>
internal static class FixedSizes
{
    /// <summary>A copy of a network with the sizes of a call.</summary>
    public static OnnxModel Of(OnnxModel model, DenoiserContract contract, DenoiserCall call)
    {
        using var tensors = new DenoiserInputs(contract, call);
        var sizes = contract.Inputs.ToDictionary(
            i => i.Name,
            i => TensorShape.Of(Tensors.Dims(tensors.Values[i.Name])),
            StringComparer.Ordinal
        );
        return Of(model, sizes);
    }

    /// <summary>A copy of a network with given sizes of all its inputs.</summary>
    public static OnnxModel Of(OnnxModel model, IReadOnlyDictionary<string, TensorShape> sizes)
    {
        var copy = ShapeInferrer.Infer(model, new() { Inputs = sizes });
        var graph = copy.Graph;
        for (var i = 0; i < graph.Inputs.Count; i++)
        {
            graph.Inputs[i] = graph.Inputs[i] with { Shape = sizes[graph.Inputs[i].Name] };
        }

        for (var i = 0; i < graph.Outputs.Count; i++)
        {
            graph.Outputs[i] = graph.Outputs[i] with { Shape = graph.ShapeOf(graph.Outputs[i].Name) };
        }

        return copy;
    }
}
