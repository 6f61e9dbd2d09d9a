using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.ShapeInference;
using DiffusionQuant.Quantization.Export;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Rewrites group normalization so that only reductions and broadcasts touch the large tensor:
/// <code>
/// y = a · x + b,   a = γ / √(max(E[x²] − E[x]², 0) + ε),   b = β − E[x] · a
/// </code>
/// with a and b of the shape [N,C,1,1], computed from the channels' means and mean squares. ONNX Runtime runs these on all
/// threads and moves the transpositions of its channels-last convolutions through them; it can do neither with the usual
/// Reshape, InstanceNormalization, Reshape, Mul, Add, and has no kernel for GroupNormalization on the CPU at all.
/// </summary>
public static class RewriteGroupNorms
{
    /// <summary>Rewrites all group normalizations of a model in place.</summary>
    /// <param name="model">The model; its constants are initializers.</param>
    /// <returns>The number of rewritten normalizations.</returns>
    public static int Apply(OnnxModel model)
    {
        ShapeInferrer.Infer(model);
        var graph = model.Graph;
        var index = new GraphIndex(graph);
        var matcher = new GroupNormMatcher(index);
        var matches = graph.Nodes.Select(matcher.EndingAt).OfType<GroupNormMatch>().ToArray();
        var writer = new GroupNormWriter(new GraphEditor(graph), model.Opset);
        foreach (var match in matches)
        {
            var old = index.Producer(match.Output)!;
            old.Outputs[0] = graph.UniqueName($"{match.Output}_replaced");
            writer.Write(match);
        }

        if (matches.Length > 0)
        {
            graph.SortTopologically();
            graph.RemoveUnused();
        }

        return matches.Length;
    }
}
