using System.Globalization;

namespace DiffusionQuant.Build.Models;

/// <summary>What metadata and properties can hold, whatever the user's culture is, and how a message names it.</summary>
internal static class Values
{
    public const string Boolean = "true or false";

    public const string Number = "a number of at least 0, written with a point for the fraction";

    public static string WholeNumber(int minimum) => $"a whole number of at least {minimum}";

    public static bool IsBoolean(string value) => bool.TryParse(value, out _);

    public static bool IsWholeNumber(string value, int minimum) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= minimum;

    // Without NumberStyles.AllowThousands, which would read 0,4 as 4.
    public static bool IsNumber(string value) =>
        double.TryParse(
            value,
            NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
            CultureInfo.InvariantCulture,
            out var number
        )
        && number >= 0
        && !double.IsInfinity(number);
}
