namespace DiffusionQuant.Diffusion;

/// <summary>
/// The reverse process: makes of x_t and the network's output the less noisy x of the next timestep. It keeps no state, so
/// that steps of any images may be taken in any order and at the same time.
/// </summary>
public interface ISampler
{
    /// <summary>The sampler and its settings, for messages and reports.</summary>
    string Name { get; }

    /// <summary>Whether this step adds noise.</summary>
    /// <param name="pair">The step.</param>
    bool AddsNoise(TimestepPair pair);

    /// <summary>Takes one step of one image.</summary>
    /// <param name="pair">The step.</param>
    /// <param name="sample">x_t: C·H·W numbers.</param>
    /// <param name="output">The network's output: C·H·W numbers, or 2·C·H·W where it predicts the variance too.</param>
    /// <param name="noise">C·H·W standard normal numbers; empty when <see cref="AddsNoise"/> says no.</param>
    /// <param name="cleanSample">Receives the estimate of x0 that the step used, after clipping: C·H·W numbers.</param>
    /// <param name="next">Receives x of <see cref="TimestepPair.Previous"/>: C·H·W numbers; may be <paramref name="sample"/>.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1057: the output has no variance, and the sampler needs one.</exception>
    void Step(
        TimestepPair pair,
        ReadOnlySpan<float> sample,
        ReadOnlySpan<float> output,
        ReadOnlySpan<float> noise,
        Span<float> cleanSample,
        Span<float> next
    );
}
