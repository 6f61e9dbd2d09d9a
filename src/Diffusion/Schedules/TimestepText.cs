using System.Globalization;

namespace DiffusionQuant.Diffusion;

/// <summary>How messages and reports show a timestep.</summary>
public static class TimestepText
{
    /// <summary>A whole number without decimals, another with three at most: 901, 815.018, -0.25.</summary>
    public static string Of(double timestep) =>
        // What rounds to zero from below has no sign.
        (Math.Round(timestep, 3) + 0.0).ToString("0.###", CultureInfo.InvariantCulture);
}
