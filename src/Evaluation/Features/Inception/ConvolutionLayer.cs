namespace DiffusionQuant.Evaluation.Features.Inception;

/// <summary>A convolution without bias, followed by batch normalisation and ReLU.</summary>
/// <param name="Name">Its name in the state dict.</param>
/// <param name="Inputs">Input channels.</param>
/// <param name="Outputs">Output channels.</param>
/// <param name="Height">The kernel's height.</param>
/// <param name="Width">The kernel's width.</param>
/// <param name="Stride">The stride in both directions.</param>
/// <param name="IsPadded">Whether zeros around the image keep its size.</param>
internal sealed record ConvolutionLayer(
    string Name,
    long Inputs,
    long Outputs,
    long Height = 1,
    long Width = 1,
    long Stride = 1,
    bool IsPadded = true
)
{
    /// <summary>The parts of a layer in the state dict, and their sizes.</summary>
    public IEnumerable<(string Name, long[] Sizes)> Tensors =>
        [
            ($"{Name}.conv.weight", [Outputs, Inputs, Height, Width]),
            ($"{Name}.bn.weight", [Outputs]),
            ($"{Name}.bn.bias", [Outputs]),
            ($"{Name}.bn.running_mean", [Outputs]),
            ($"{Name}.bn.running_var", [Outputs]),
        ];
}
