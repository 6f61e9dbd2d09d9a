using System.Globalization;
using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Snapshots;

/// <summary>How much worse than verified a value may be.</summary>
/// <param name="Amount">In the metric's unit, or as a share of the verified value; not negative.</param>
/// <param name="IsRelative">Whether <paramref name="Amount"/> is a share.</param>
public readonly record struct Tolerance(double Amount, bool IsRelative)
{
    /// <summary>How many standard errors a tolerance has at least when it is first accepted.</summary>
    /// <remarks>
    /// Verified and received values come from the same noise, so most of the variation over images is in both and drops
    /// out; what is left is what differently rounding kernels do to single images. A whole standard error would hide
    /// changes that are real, and none at all would let metrics with values near zero (KID) fail by rounding.
    /// </remarks>
    private const double StandardErrors = 0.5;

    /// <summary>The tolerance of a value nobody has chosen one for.</summary>
    /// <param name="definition">The metric.</param>
    /// <param name="value">The verified value.</param>
    /// <param name="standardError">Its standard error; null where it is not known.</param>
    public static Tolerance Default(MetricDefinition definition, double value, double? standardError)
    {
        var usual = new Tolerance(definition.Tolerance, definition.IsToleranceRelative);
        if (standardError is not { } error || !double.IsFinite(error) || !double.IsFinite(value))
        {
            return usual;
        }

        var least = StandardErrors * error;
        // An error beyond all measure is no scale to go by.
        if (least <= usual.Of(value) || least > 1e12)
        {
            return usual;
        }

        // A share of a value near zero says nothing.
        return usual.IsRelative && least <= Math.Abs(value)
            ? new(RoundUp(least / Math.Abs(value), 3), true)
            : new(RoundUp(least, MetricRounding.DecimalPlaces(definition, least)), false);
    }

    /// <summary>The tolerance of a value, in the metric's unit.</summary>
    public double Of(double verified) => IsRelative ? Amount * Math.Abs(verified) : Amount;

    /// <summary>Reads <c>3%</c>.</summary>
    /// <returns>Null where it is no percentage, or a negative one.</returns>
    public static Tolerance? ParsePercentage(string text) =>
        text.EndsWith('%')
        && double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.Float, CultureInfo.InvariantCulture, out var p)
        && double.IsFinite(p)
        && p >= 0
            ? new(p / 100, true)
            : null;

    /// <summary><c>0.5</c> or <c>3%</c>.</summary>
    public override string ToString() =>
        IsRelative ? $"{MetricRounding.Plain(Math.Round(Amount * 100, 8))}%" : MetricRounding.Plain(Amount);

    private static double RoundUp(double value, int digits)
    {
        var unit = Math.Pow(10, -digits);
        return Math.Round(Math.Ceiling((value / unit) - 1e-9) * unit, digits);
    }
}
