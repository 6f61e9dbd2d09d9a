using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Methods;

/// <summary>A method: a name and the passes that make it. Reading a method's file is reading the paper's recipe.</summary>
/// <param name="Name">The name in recipes, lower case.</param>
/// <param name="Summary">What it is, in one line.</param>
/// <param name="Passes">What it does, in order.</param>
public sealed record QuantizationMethod(string Name, string Summary, IReadOnlyList<IQuantizationPass> Passes);
