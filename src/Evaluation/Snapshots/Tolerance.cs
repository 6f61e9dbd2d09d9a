using System.Globalization;
using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Snapshots;

/// <summary>How much worse than verified a value may be.</summary>
/// <param name="Amount">In the metric's unit, or as a share of the verified value; not negative.</param>
/// <param name="IsRelative">Whether <paramref name="Amount"/> is a share.</param>
public readonly record struct Tolerance(double Amount, bool IsRelative)
{
    /// <summary>The tolerance of a metric for which nobody has chosen one.</summary>
    public static Tolerance Default(MetricDefinition definition) =>
        new(definition.Tolerance, definition.IsToleranceRelative);

    /// <summary>The tolerance of a value, in the metric's unit.</summary>
    public double Of(double verified) => IsRelative ? Amount * Math.Abs(verified) : Amount;

    /// <summary>Reads <c>3%</c> or <c>any</c>.</summary>
    /// <returns>Null where it is neither, or a negative percentage.</returns>
    public static Tolerance? ParseText(string text) =>
        text == Any ? new(double.PositiveInfinity, false)
        : text.EndsWith('%')
        && double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.Float, CultureInfo.InvariantCulture, out var p)
        && double.IsFinite(p)
        && p >= 0
            ? new(p / 100, true)
        : null;

    /// <summary>The word for a value that is shown and not judged.</summary>
    internal const string Any = "any";

    /// <summary><c>0.5</c>, <c>3%</c>, or <c>any</c>.</summary>
    public override string ToString() =>
        double.IsPositiveInfinity(Amount) ? Any
        : IsRelative ? $"{MetricRounding.Plain(Math.Round(Amount * 100, 8))}%"
        : MetricRounding.Plain(Amount);
}
