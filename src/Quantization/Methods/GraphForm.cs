using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Methods;

/// <summary>The rewritings that all methods begin with: they change the graph's form, not what it computes.</summary>
internal static class GraphForm
{
    /// <summary>One form for what exporters write in many.</summary>
    public static IEnumerable<RewriteGraph> Passes =>
        [
            new RewriteGraph("inline functions", InlineFunctions),
            new RewriteGraph("fold constants", m => Engine.ConstantFolder.Fold(m)),
            new RewriteGraph("normalize graph", NormalizeGraph.Apply),
            new RewriteGraph("fold static shapes", StaticShapes.Apply),
            new RewriteGraph("swap products", SwapProducts.Apply, recipe => recipe.Bits.QuantizesActivations),
        ];

    /// <summary>What methods that tune blocks begin with: blocks are found before shortcuts are split, and pairs kept.</summary>
    public static IEnumerable<IQuantizationPass> SampledPasses =>
        [
            .. Passes,
            new LocateBlocks(),
            new RewriteGraph("split shortcuts", SplitShortcuts.Apply),
            new PlanLayers(),
            new CollectSamples(),
        ];

    /// <summary>The same, with statistics of all points.</summary>
    public static IEnumerable<IQuantizationPass> BlockPasses => [.. SampledPasses, new CollectStatistics()];

    private static int InlineFunctions(OnnxModel model)
    {
        var nodes = model.Graph.Nodes.Count;
        model.InlineFunctions();
        return model.Graph.Nodes.Count - nodes;
    }
}
