namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>
/// By how much each channel of a layer's input is divided, and its weights are multiplied, so that channels have ranges of
/// like size at all timesteps: the joint ratio of TCAQ-DM (Huang et al., AAAI 2025, equations 3 to 5).
/// </summary>
public static class ChannelRatios
{
    /// <summary>The ratios, 1 or above: <c>r_d = Σ_g r_d^g · m_d^g / Σ_g m_d^g</c> with <c>r_d^g = m_d^g / min_d m_d^g</c>.</summary>
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
