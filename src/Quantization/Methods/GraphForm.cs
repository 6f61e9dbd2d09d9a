using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Methods;

/// <summary>The rewritings that all methods begin with: they change the graph's form, not what it computes.</summary>
internal static class GraphForm
{
    /// <summary>One form for what exporters write in many.</summary>
    public static IEnumerable<IQuantizationPass> Passes =>
        [
            new RewriteGraph("inline functions", InlineFunctions),
            new RewriteGraph("fold constants", m => Engine.ConstantFolder.Fold(m)),
            new RewriteGraph("normalize graph", NormalizeGraph.Apply),
            new RewriteGraph("fold static shapes", StaticShapes.Apply),
        ];

    /// <summary>What comes last before planning: the layout that integer convolutions work in.</summary>
    public static IEnumerable<IQuantizationPass> Layout =>
        [
            new LocateLayers(),
            // Worse than nothing around float convolutions, and the first without the second.
            new RewriteGraph("rewrite group norms", RewriteGroupNorms.Apply, HasIntegerKernels),
            new RewriteGraph("channels last", ChannelsLast.Apply, HasIntegerKernels),
        ];

    private static bool HasIntegerKernels(Recipe recipe) => recipe.Bits.QuantizesActivations;

    private static int InlineFunctions(OnnxModel model)
    {
        var nodes = model.Graph.Nodes.Count;
        model.InlineFunctions();
        return model.Graph.Nodes.Count - nodes;
    }
}
