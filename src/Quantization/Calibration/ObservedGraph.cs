using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Export;

namespace DiffusionQuant.Quantization.Calibration;

/// <summary>Makes inner values of a graph visible.</summary>
internal static class ObservedGraph
{
    /// <summary>A copy of the model that has the values among its outputs.</summary>
    /// <param name="model">The model; not changed.</param>
    /// <param name="values">The values.</param>
    /// <param name="outputs">The name of the output that shows each value.</param>
    public static OnnxModel Of(
        OnnxModel model,
        IEnumerable<string> values,
        out IReadOnlyDictionary<string, string> outputs
    )
    {
        var copy = model.Clone();
        var inputs = copy.Graph.Inputs.Select(i => i.Name).ToHashSet(StringComparer.Ordinal);
        var known = copy.Graph.Outputs.Select(o => o.Name).ToHashSet(StringComparer.Ordinal);
        var editor = new GraphEditor(copy.Graph);
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var value in values)
        {
            // A graph's input cannot be its output as well.
            var output = inputs.Contains(value) ? editor.Node("Identity", $"{value}_observed", [value]) : value;
            names[value] = output;
            if (known.Add(output))
            {
                // Without type and shape: the runtime infers both.
                copy.Graph.Outputs.Add(new(output, ElementType.Undefined, null));
            }
        }

        outputs = names;
        return copy;
    }
}
