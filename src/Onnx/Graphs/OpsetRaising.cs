namespace DiffusionQuant.Onnx;

/// <summary>Takes a model to a later opset without changing what it computes.</summary>
public static class OpsetRaising
{
    /// <summary>The latest opset that models are taken to: the first whose ScatterND and ScatterElements add up.</summary>
    public const long Latest = 16;

    /// <summary>Raises a model's opset in place; a model that has it, or a later one, stays as it is.</summary>
    /// <param name="model">A model of opset 13 or later, its functions inlined.</param>
    /// <param name="opset">The opset that is needed, at most <see cref="Latest"/>.</param>
    /// <remarks>
    /// From 13 to 16 ONNX's operators got new types, and new attributes whose defaults are what they did before, with one
    /// exception. (Where inputs took the place of attributes, that was in 13 and in 18.) BatchNormalization changed its
    /// form of training, which no runtime of inference computes.
    /// </remarks>
    public static void Raise(OnnxModel model, long opset)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(opset, Latest);
        ArgumentOutOfRangeException.ThrowIfLessThan(model.Opset, 13, nameof(model));
        if (model.Opset >= opset)
        {
            return;
        }

        if (model.Opset < 16 && opset >= 16)
        {
            KeepPixelCorners(model.Graph);
        }

        model.Opset = opset;
    }

    /// <summary>RoiAlign counts from pixels' centres since opset 16, unless it is told not to.</summary>
    private static void KeepPixelCorners(OnnxGraph graph)
    {
        foreach (var node in graph.Nodes)
        {
            if (node.Is("RoiAlign"))
            {
                node.Attributes["coordinate_transformation_mode"] = "output_half_pixel";
            }

            foreach (var subgraph in GraphChecker.Subgraphs(node))
            {
                KeepPixelCorners(subgraph);
            }
        }
    }
}
