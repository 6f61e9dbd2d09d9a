namespace DiffusionQuant.Tool.Inspection;

/// <summary>A block in a report.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">What it is: <c>residual</c>, <c>attention</c>, <c>transformer</c>, <c>time-embedding</c>, <c>layer</c>.</param>
/// <param name="Layers">The names of its layers, in the order they run.</param>
/// <param name="Parameters">The parameters in them.</param>
internal sealed record BlockRow(string Name, string Kind, IReadOnlyList<string> Layers, long Parameters);
