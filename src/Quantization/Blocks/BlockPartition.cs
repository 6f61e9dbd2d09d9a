using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Blocks;

/// <summary>
/// Divides a network into the units that reconstruction optimises one after the other: Li et al., "BRECQ: Pushing the Limit
/// of Post-Training Quantization by Block Reconstruction", ICLR 2021; the time embedding as one unit after Huang et al.,
/// "TFMQ-DM: Temporal Feature Maintenance Quantization for Diffusion Models", CVPR 2024. What is a block follows from where
/// paths part and join again. Names of nodes are used for the units' names only.
/// </summary>
public static class BlockPartition
{
    /// <summary>Finds the units, in an order in which they can be computed. Each layer of the graph is in one of them.</summary>
    /// <param name="graph">A graph whose nodes have unique names and whose constants are initializers.</param>
    /// <param name="sample">The name of the sample input; a decoder's latents are one, too.</param>
    /// <param name="timestep">The name of the timestep input; empty for a network without one.</param>
    public static IReadOnlyList<ReconstructionUnit> Find(OnnxGraph graph, string sample, string timestep)
    {
        var layers = LayerAnalysis.Find(graph, sample, timestep);
        var top = graph.Nodes.ToHashSet();
        var flow = new StreamFlow(graph, [.. layers.Where(l => top.Contains(l.Node))], sample, timestep);
        return UnitNames.Give(UnitAssembler.Assemble(flow.Data, new BlockComposer(flow).Compose()));
    }
}
