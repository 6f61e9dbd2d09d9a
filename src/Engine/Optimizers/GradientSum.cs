namespace DiffusionQuant.Engine.Optimizers;

/// <summary>The sum of a parameter's gradients over the batches of a step, before and after a batch.</summary>
internal sealed record GradientSum(Parameter Parameter, string Before, string After);
