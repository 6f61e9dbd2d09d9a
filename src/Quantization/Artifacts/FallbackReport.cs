namespace DiffusionQuant.Quantization.Artifacts;

/// <summary>What <c>quantization.json</c> says of the layers that got more bits because a limit did not hold.</summary>
/// <param name="Limits">The limits.</param>
/// <param name="Holds">Whether they hold in the end.</param>
/// <param name="Steps">How many layers could be raised one after another, twice each: to 8 bits, and to float.</param>
/// <param name="Raised">The layers that were, the most sensitive first.</param>
/// <param name="Trials">What was tried, in this order.</param>
public sealed record FallbackReport(
    IReadOnlyList<FallbackLimit> Limits,
    bool Holds,
    int Steps,
    IReadOnlyList<RaisedLayer> Raised,
    IReadOnlyList<FallbackTrial> Trials
);

/// <summary>A limit.</summary>
/// <param name="Name">Its name in project files: <c>MinSqnrDb</c>.</param>
/// <param name="Metric">The metric that it holds.</param>
/// <param name="Value">The least or the largest value.</param>
public sealed record FallbackLimit(string Name, string Metric, double Value);

/// <summary>A layer that got more bits.</summary>
/// <param name="Layer">Its name.</param>
/// <param name="From">The recipe's bits: <c>W3A8</c>.</param>
/// <param name="To">What it got: <c>W8A8</c> or <c>float</c>.</param>
public sealed record RaisedLayer(string Layer, string From, string To);

/// <summary>A model that was quantized and measured.</summary>
/// <param name="Steps">How many steps up it had.</param>
/// <param name="Values">The values of the limits' metrics.</param>
/// <param name="Holds">Whether the limits held.</param>
public sealed record FallbackTrial(int Steps, IReadOnlyDictionary<string, double> Values, bool Holds);
