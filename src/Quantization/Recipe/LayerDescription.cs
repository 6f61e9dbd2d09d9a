namespace DiffusionQuant.Quantization.Recipes;

/// <summary>What a <see cref="LayerRule"/> can ask of a layer.</summary>
/// <param name="Name">The layer's name in the graph, <c>/down_blocks.0/conv1/Conv</c> for instance.</param>
/// <param name="OperatorType">The operator, <c>Conv</c> for instance.</param>
/// <param name="Positions">Where in the network it stands.</param>
public readonly record struct LayerDescription(
    string Name,
    string OperatorType,
    LayerPositions Positions = LayerPositions.None
);
