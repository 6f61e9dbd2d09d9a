namespace DiffusionQuant.Engine.Optimizers;

/// <summary>Where a training is: what a session needs to go on to the same result.</summary>
/// <param name="Step">How many steps were done.</param>
/// <param name="Tensors">Parameters, their moments and their averages by name.</param>
public sealed record TrainingState(int Step, IReadOnlyDictionary<string, float[]> Tensors);
