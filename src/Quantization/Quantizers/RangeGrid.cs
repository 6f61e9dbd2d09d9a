namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>
/// Rounds the ends of observed ranges outward to a coarse grid. Observed values differ in their last digits from processor
/// to processor; scales made from the grid do not, unless an end lies on a grid line to those digits. The grid's step is
/// 1/64 to 1/128 of the range, so that ranges grow by less than a hundredth in the mean.
/// </summary>
internal static class RangeGrid
{
    private const int StepsPerOctave = 6;

    // Ends that are exact in theory (1 behind a softmax, powers of two) come out a little below or above it.
    private const float Hair = 1f / 1024;

    /// <summary>The range on the grid.</summary>
    /// <param name="min">The least value.</param>
    /// <param name="max">The largest value.</param>
    /// <returns>A range that holds both to a thousandth of a step.</returns>
    public static (float Min, float Max) Outward(float min, float max)
    {
        var magnitude = Math.Max(Math.Abs(min), Math.Abs(max));
        if (!float.IsNormal(magnitude))
        {
            return (min, max);
        }

        var step = MathF.ScaleB(1, MathF.ILogB(magnitude * (1 + Hair)) - StepsPerOctave);
        return float.IsNormal(step)
            ? (step * MathF.Floor((min / step) + Hair), step * MathF.Ceiling((max / step) - Hair))
            : (min, max);
    }
}
