using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>One input of a denoiser, as the file declares it, and what it is for.</summary>
/// <param name="Name">The input's name in the graph.</param>
/// <param name="Role">What it is for.</param>
/// <param name="ElementType">Its element type; values are converted to it.</param>
/// <param name="Shape">Its shape as in the file, or null when not even the rank is known.</param>
public sealed record DenoiserInput(string Name, DenoiserRole Role, ElementType ElementType, TensorShape? Shape)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Name} ({Role}): {ElementType}{Shape?.ToString() ?? "[...]"}";
}
