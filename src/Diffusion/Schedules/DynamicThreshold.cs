namespace DiffusionQuant.Diffusion;

/// <summary>
/// Dynamic thresholding of the estimated x0 (Saharia et al. 2022, "Imagen", section 2.3): each sample is clamped to a
/// quantile s of its absolute values, itself within 1 and <see cref="MaximalValue"/>, and divided by s.
/// </summary>
/// <param name="Ratio">The quantile, 0.995 for instance.</param>
/// <param name="MaximalValue">The largest s.</param>
public sealed record DynamicThreshold(double Ratio = 0.995, double MaximalValue = 1);
