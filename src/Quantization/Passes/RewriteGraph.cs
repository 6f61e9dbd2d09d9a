using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>A pass that changes the graph's form and not what it computes; it runs before layers are planned.</summary>
/// <param name="name">What it does, in a few words.</param>
/// <param name="rewrite">Edits the graph in place and returns how often it found something to do.</param>
/// <param name="applies">For which recipes it is worth while; for all by default.</param>
public sealed class RewriteGraph(string name, Func<OnnxModel, int> rewrite, Func<Recipe, bool>? applies = null)
    : IQuantizationPass
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public double Weight => 1;

    /// <inheritdoc/>
    public bool Applies(Recipe recipe) => applies?.Invoke(recipe) ?? true;

    /// <summary>Edits a graph in place.</summary>
    internal int Apply(OnnxModel model) => rewrite(model);

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context)
    {
        var graph = state.Graph.Clone();
        var count = rewrite(graph);
        context.Progress(1, $"{count} places");
        return state with { Graph = graph };
    }
}
