namespace DiffusionQuant.Quantization.Training;

/// <summary>
/// Time-smoothed relation distillation (TRD of MPQ-DM, AAAI 2025): the features in front of the last layer, summed over
/// some steps of a trajectory, are compared with each other by their cosine, R = F̄·F̄ᵀ over all places of an image, and the
/// rows of softmax(R) are brought close to the float network's by KL(p_float ‖ p_quantized). The gradient goes through the
/// present step's features; those of earlier steps are constants.
/// </summary>
public sealed record RelationDistillation
{
    /// <summary>The weight of this term beside the squared error of the output, both summed over an image.</summary>
    public float Weight { get; init; } = 1;

    /// <summary>Over how many steps of a trajectory features are summed, the present one included.</summary>
    public int Window { get; init; } = 2;

    /// <summary>More places than these are averaged in squares of neighbours first, since R has their number squared.</summary>
    public int MostTokens { get; init; } = 1024;
}
