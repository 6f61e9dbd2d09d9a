namespace DiffusionQuant.Engine.Gradients;

/// <summary>
/// The derivative of an operator: reads a node and the gradients of its outputs, writes nodes that compute the gradients
/// of its inputs, and hands these over with <see cref="GradientContext.Give"/>.
/// </summary>
/// <param name="context">The node and what is known around it.</param>
public delegate void GradientRule(GradientContext context);
