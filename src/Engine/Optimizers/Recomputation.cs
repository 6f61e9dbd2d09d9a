namespace DiffusionQuant.Engine.Optimizers;

/// <summary>
/// Recomputation of activations (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"): the forward pass is cut
/// into segments, only what crosses from one to another is kept, and a segment is computed a second time when its gradient
/// arrives. Memory falls to what is kept and the largest segment, for about one more forward pass. Results stay the same.
/// What depends on parameters alone, as fake-quantized weights do, is kept.
/// </summary>
public sealed record Recomputation
{
    private Recomputation(int? segments) => Segments = segments;

    /// <summary>Cuts where, by the sizes of values, what is kept and the largest segment together are smallest.</summary>
    public static Recomputation Automatic { get; } = new(segments: null);

    /// <summary>The most segments; null to choose their number.</summary>
    public int? Segments { get; }

    /// <summary>Cuts into at most so many segments of about the same size.</summary>
    /// <param name="count">At least 2; fewer where the graph has not so many places to cut.</param>
    public static Recomputation InSegments(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 2);
        return new(count);
    }
}
