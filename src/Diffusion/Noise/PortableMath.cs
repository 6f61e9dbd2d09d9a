namespace DiffusionQuant.Diffusion;

/// <summary>
/// Logarithm, sine and cosine from nothing but the IEEE operations + − · / √, which every machine rounds alike;
/// <see cref="Math"/>'s own come from each platform's C library and differ in the last bit.
/// </summary>
internal static class PortableMath
{
    // ln 2 in two parts: the upper has enough trailing zeros that its product with an exponent is exact.
    private const double Ln2Upper = 6.93147180369123816490e-01;
    private const double Ln2Lower = 1.90821492927058770002e-10;

    /// <summary>ln of a positive, normal number, to about 1e-16.</summary>
    public static double Log(double x)
    {
        var bits = BitConverter.DoubleToInt64Bits(x);
        var exponent = (int)(bits >> 52) - 1023;
        var mantissa = BitConverter.Int64BitsToDouble((bits & 0x000FFFFFFFFFFFFF) | 0x3FF0000000000000);
        if (mantissa > 1.4142135623730951)
        {
            mantissa /= 2;
            exponent++;
        }

        // ln m = 2·artanh(s) with s = (m−1)/(m+1), |s| < 0.172: the terms fall below 1e-17 after s²⁰.
        var s = (mantissa - 1) / (mantissa + 1);
        var square = s * s;
        var sum = 0.0;
        for (var n = 21; n >= 3; n -= 2)
        {
            sum = (sum + (1.0 / n)) * square;
        }

        return (exponent * Ln2Upper) + ((exponent * Ln2Lower) + (2 * s) + (2 * s * sum));
    }

    /// <summary>Sine and cosine of 2π·(turn / 2³²), to about 1e-16.</summary>
    public static (double Sin, double Cos) SinCosOfTurn(uint turn)
    {
        // The nearest eighth-turn's multiple of a quarter and the rest, within ± π/4.
        var quarter = unchecked(turn + 0x20000000u) >> 30;
        var rest = unchecked((int)(turn - (quarter << 30)));
        var x = rest * (2 * Math.PI / 4294967296.0);
        var square = x * x;
        double sin = 0,
            cos = 0;
        for (var n = 18; n >= 2; n -= 2)
        {
            cos = (1 + cos) * -square / (n * (n - 1));
            sin = (1 + sin) * -square / ((n + 1) * n);
        }

        sin = x * (1 + sin);
        cos = 1 + cos;
        return quarter switch
        {
            0 => (sin, cos),
            1 => (cos, -sin),
            2 => (-sin, -cos),
            _ => (-cos, sin),
        };
    }
}
