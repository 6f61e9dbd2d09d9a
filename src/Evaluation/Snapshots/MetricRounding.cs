using System.Globalization;
using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Snapshots;

/// <summary>Values as files and messages show them.</summary>
public static class MetricRounding
{
    /// <summary>Small values keep this many digits even where the metric has fewer decimal places.</summary>
    private const int SignificantDigits = 3;

    /// <summary>An error is itself an estimate.</summary>
    private const int SignificantDigitsOfErrors = 2;

    private const int MostDecimalPlaces = 12;

    /// <summary>How many decimal places of a value are worth keeping.</summary>
    public static int DecimalPlaces(MetricDefinition definition, double value) =>
        DecimalPlaces(definition, value, SignificantDigits);

    private static int DecimalPlaces(MetricDefinition definition, double value, int significantDigits) =>
        value == 0 || !double.IsFinite(value)
            ? definition.Digits
            : Math.Clamp(
                significantDigits - 1 - (int)Math.Floor(Math.Log10(Math.Abs(value))),
                definition.Digits,
                MostDecimalPlaces
            );

    /// <summary>Rounds a value to what is worth keeping.</summary>
    public static double Round(MetricDefinition definition, double value) =>
        double.IsFinite(value) ? Math.Round(value, DecimalPlaces(definition, value)) + 0.0 : value;

    /// <summary>Rounds a standard error to what it can know.</summary>
    public static double RoundError(MetricDefinition definition, double error) =>
        double.IsFinite(error)
            ? Math.Round(error, DecimalPlaces(definition, error, SignificantDigitsOfErrors)) + 0.0
            : error;

    /// <summary>Rounds a value without a block of images: such values differ by less than the metric's digits show.</summary>
    public static double RoundBlock(MetricDefinition definition, double value) =>
        double.IsFinite(value) ? Math.Round(value, Math.Min(definition.Digits + 2, MostDecimalPlaces)) + 0.0 : value;

    /// <summary>Decibels of a layer.</summary>
    public static double RoundLayer(double sqnr) => double.IsFinite(sqnr) ? Math.Round(sqnr, 1) + 0.0 : sqnr;

    /// <summary>A number with the digits that it has; small ones have no exponent.</summary>
    public static string Plain(double value)
    {
        if (!double.IsFinite(value))
        {
            return Word(value);
        }

        var shortest = value.ToString("R", CultureInfo.InvariantCulture);
        return shortest.Contains('E', StringComparison.Ordinal) && Math.Abs(value) < 1
            ? value.ToString("0.############", CultureInfo.InvariantCulture)
            : shortest;
    }

    /// <summary>A value with all of its metric's decimal places: <c>32.20</c>.</summary>
    public static string Fixed(MetricDefinition definition, double value) =>
        double.IsFinite(value)
            ? value.ToString($"F{DecimalPlaces(definition, value)}", CultureInfo.InvariantCulture)
            : Word(value);

    /// <summary>A value with enough decimal places to be told from another.</summary>
    public static string Apart(MetricDefinition definition, double value, double other)
    {
        var text = Fixed(definition, value);
        if (!double.IsFinite(value) || value == other)
        {
            return text;
        }

        for (
            var places = definition.Digits;
            places <= MostDecimalPlaces && double.Parse(text, CultureInfo.InvariantCulture) == other;
            places++
        )
        {
            text = value.ToString($"F{places}", CultureInfo.InvariantCulture);
        }

        return text;
    }

    /// <summary>A value with its unit: <c>32.20 dB</c>.</summary>
    public static string WithUnit(MetricDefinition definition, double value) =>
        definition.Unit.Length == 0 ? Fixed(definition, value) : $"{Fixed(definition, value)} {definition.Unit}";

    private static string Word(double value) =>
        double.IsNaN(value) ? "NaN"
        : value > 0 ? "Infinity"
        : "-Infinity";
}
