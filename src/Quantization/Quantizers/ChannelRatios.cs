namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>
/// By how much each channel of a layer's input is divided, and its weights are multiplied, so that they are easier to
/// quantize.
/// </summary>
public static class ChannelRatios
{
    /// <summary>
    /// The least magnitude that counts, as in SmoothQuant's code: a channel that never moves must not make its weights the
    /// largest of all, nor one without weights its values.
    /// </summary>
    private const float LeastMagnitude = 1e-5f;

    /// <summary>
    /// The ratios that share the difficulty between a layer's input and its weights: <c>s_j = max|X_j|^α / max|W_j|^(1 − α)</c>
    /// (SmoothQuant, Xiao et al., ICML 2023, equation 4; with α = ½ the pre-scaling of MPQ-DM, whose δ is 1 / s).
    /// </summary>
    /// <param name="inputs">The largest magnitude of each channel of the input.</param>
    /// <param name="weights">The largest magnitude of the weights that each channel is multiplied with.</param>
    /// <param name="alpha">The input's share α, 0 to 1.</param>
    /// <returns>One positive ratio per channel.</returns>
    public static float[] Smoothing(IReadOnlyList<float> inputs, IReadOnlyList<float> weights, double alpha = 0.5) =>
        [
            .. inputs.Zip(
                weights,
                (x, w) =>
                    (float)(
                        Math.Pow(Math.Max(x, LeastMagnitude), alpha) / Math.Pow(Math.Max(w, LeastMagnitude), 1 - alpha)
                    )
            ),
        ];

    /// <summary>
    /// The ratios that give channels ranges of like size at all timesteps, 1 or above, the joint ratio of TCAQ-DM (Huang et
    /// al., AAAI 2025, equations 3 to 5): <c>r_d = Σ_g r_d^g · m_d^g / Σ_g m_d^g</c> with <c>r_d^g = m_d^g / min_d m_d^g</c>.
    /// </summary>
    /// <param name="maxima">For each group of timesteps the largest magnitude of each channel.</param>
    /// <param name="most">The largest ratio that is allowed (R_tru); infinity for any.</param>
    /// <param name="share">
    /// Which share of a group's living channels may lie under the target: 0 takes their minimum as the paper does; a small
    /// share keeps one nearly dead channel from deciding the ratios of all others.
    /// </param>
    public static float[] Joint(IReadOnlyList<float[]> maxima, double most = double.PositiveInfinity, double share = 0)
    {
        var channels = maxima.Count == 0 ? 0 : maxima[0].Length;
        var weighted = new double[channels];
        var weights = new double[channels];
        foreach (var group in maxima)
        {
            // A channel that never moves has no range to bring to the others'.
            var living = group.Where(m => m > 0).Order().ToArray();
            if (living.Length == 0)
            {
                continue;
            }

            var target = living[(int)(share * (living.Length - 1))];
            for (var d = 0; d < channels; d++)
            {
                weighted[d] += Math.Max(group[d] / (double)target, 1) * group[d];
                weights[d] += group[d];
            }
        }

        return [.. weighted.Zip(weights, (r, w) => w > 0 ? (float)Math.Min(r / w, most) : 1f)];
    }
}
