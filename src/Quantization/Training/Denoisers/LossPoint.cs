namespace DiffusionQuant.Quantization.Training.Denoisers;

/// <summary>A point of a training's course.</summary>
/// <param name="Step">How many steps were done.</param>
/// <param name="Loss">The running mean of the loss, in which a step counts a hundredth.</param>
/// <param name="Seconds">The time since the training began, without pauses between runs.</param>
public sealed record LossPoint(int Step, float Loss, float Seconds);
