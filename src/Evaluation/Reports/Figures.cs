using System.Globalization;
using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Reports;

/// <summary>Numbers as the report shows them.</summary>
internal static class Figures
{
    private const string Minus = "\u2212";

    /// <summary>What stands where there is no number.</summary>
    public const string None = "\u2013";

    /// <summary>The number in full, for programs and for sorting.</summary>
    public static string Exact(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>Rounded to decimal places.</summary>
    public static string Fixed(double value, int digits) =>
        double.IsPositiveInfinity(value) ? "\u221e"
        : double.IsNegativeInfinity(value) ? $"{Minus}\u221e"
        : double.IsNaN(value) ? "not a number"
        : WithoutNegativeZero(value, digits).ToString($"F{digits}", CultureInfo.InvariantCulture).Replace("-", Minus);

    /// <summary>Rounded to significant digits, with a power of ten where the number is far from 1.</summary>
    public static string Significant(double value, int digits) =>
        double.IsFinite(value)
            ? value.ToString($"G{digits}", CultureInfo.InvariantCulture).Replace("-", Minus)
            : Fixed(value, 0);

    /// <summary>A difference with its sign.</summary>
    public static string Change(double value, int digits)
    {
        var text = Fixed(value, digits);
        return value > 0 && text.AsSpan().ContainsAnyInRange('1', '9') ? $"+{text}" : text;
    }

    /// <summary>A metric's value with its decimal places and unit.</summary>
    public static string Of(MetricDefinition metric, double value) => WithUnit(metric, Fixed(value, metric.Digits));

    /// <summary>A number of a metric with the metric's unit.</summary>
    public static string WithUnit(MetricDefinition metric, string number) =>
        metric.Unit.Length == 0 ? number : $"{number}\u00a0{metric.Unit}";

    /// <summary>A share, as per cent.</summary>
    public static string Percent(double share) => $"{Fixed(share * 100, 1)}\u00a0%";

    /// <summary>Bytes in a unit that people read.</summary>
    public static string Bytes(long bytes) =>
        bytes switch
        {
            < 1_000 => $"{bytes}\u00a0B",
            < 1_000_000 => $"{Fixed(bytes / 1e3, 1)}\u00a0kB",
            < 1_000_000_000 => $"{Fixed(bytes / 1e6, 2)}\u00a0MB",
            _ => $"{Fixed(bytes / 1e9, 2)}\u00a0GB",
        };

    /// <summary>A whole number with thin spaces between thousands.</summary>
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture).Replace(",", "\u202f");

    private static double WithoutNegativeZero(double value, int digits) =>
        Math.Abs(value) < 0.5 * Math.Pow(10, -digits) ? 0 : value;
}
