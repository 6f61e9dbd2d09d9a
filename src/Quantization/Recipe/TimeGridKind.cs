namespace DiffusionQuant.Quantization.Recipes;

/// <summary>How the sampling steps are spread over the training timesteps.</summary>
public enum TimeGridKind
{
    /// <summary>At equal distances.</summary>
    Uniform,

    /// <summary>Denser near the clean image, as the square of an even grid (Song et al. 2021, for CIFAR-10).</summary>
    Quadratic,
}
