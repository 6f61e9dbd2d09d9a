using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Notes where each layer stands while the graph still has its own layout; later rewritings keep layers' names, but hide
/// how paths join.
/// </summary>
public sealed class LocateLayers : IQuantizationPass
{
    /// <inheritdoc/>
    public string Name => "locate layers";

    /// <inheritdoc/>
    public double Weight => 1;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context)
    {
        var contract = state.Source.Contract;
        var layers = LayerAnalysis.Find(state.Graph.Graph, contract.Sample.Name, contract.Timestep.Name);
        return state with { Positions = layers.ToDictionary(l => l.Name, l => l.Positions, StringComparer.Ordinal) };
    }
}
