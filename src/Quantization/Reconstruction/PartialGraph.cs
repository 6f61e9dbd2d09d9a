using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Calibration;

namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>Cuts out what some inner values need, from the graph's inputs on.</summary>
internal static class PartialGraph
{
    /// <summary>A model of the same inputs that computes the values and nothing else.</summary>
    /// <param name="model">The model; not changed.</param>
    /// <param name="values">The values.</param>
    /// <param name="outputs">The name of the output that shows each value.</param>
    public static OnnxModel Of(
        OnnxModel model,
        IReadOnlyList<string> values,
        out IReadOnlyDictionary<string, string> outputs
    )
    {
        var observed = ObservedGraph.Of(model, values, out outputs);
        var inputs = observed.Graph.Inputs.Select(i => i.Name).ToArray();
        return observed.WithGraph(observed.Graph.Cut(inputs, [.. outputs.Values.Distinct(StringComparer.Ordinal)]));
    }
}
