using DiffusionQuant.Quantization.Blocks;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Finds the units that are reconstructed together and tags their nodes, while the graph still has its own layout; later
/// rewritings keep the tags, but hide how paths join.
/// </summary>
public sealed class LocateBlocks : IQuantizationPass
{
    /// <inheritdoc/>
    public string Name => "locate blocks";

    /// <inheritdoc/>
    public double Weight => 1;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context)
    {
        var contract = state.Source.Contract;
        var model = state.Graph.Clone();
        var units = BlockPartition.Find(model.Graph, contract.Sample.Name, contract.Timestep.Name);
        BlockTags.Apply(model.Graph, units);
        context.Progress(1, $"{units.Count} units");
        return state with { Graph = model };
    }
}
