namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>
/// Values between 0 and 1 counted on a logarithmic grid: enough to fit laws to their tail, in memory that does not grow with
/// their number.
/// </summary>
public sealed class LogHistogram
{
    private const int BinsPerOctave = 32;
    private const int Octaves = 64;

    private readonly long[] counts = new long[BinsPerOctave * Octaves];

    /// <summary>The number of values that are above 2^-64; smaller ones are not counted.</summary>
    public long Count { get; private set; }

    /// <summary>Counts values; those above 1 count as 1.</summary>
    public void Add(ReadOnlySpan<float> values)
    {
        foreach (var value in values)
        {
            var bin = (int)(-MathF.Log2(value) * BinsPerOctave);
            if (value > 0 && bin < counts.Length)
            {
                counts[Math.Max(bin, 0)]++;
                Count++;
            }
        }
    }

    /// <summary>
    /// By how much likelier the values at and above their median are under a power law than under an exponential one, in
    /// natural logarithms: above 0 for a power law. Both are fitted by maximum likelihood (Clauset, Shalizi, Newman 2009).
    /// </summary>
    /// <remarks>TCAQ-DM does not publish which law it compares with; the exponential one is the usual counterpart.</remarks>
    public double PowerLawEvidence()
    {
        var (tail, logs, sum) = (0L, 0.0, 0.0);
        var wanted = (Count + 1) / 2;
        var last = 0;
        // Bins begin with the largest values.
        for (var seen = 0L; last < counts.Length && seen < wanted; last++)
        {
            seen += counts[last];
        }

        if (last == 0)
        {
            return 0;
        }

        var least = Value(last - 1);
        for (var bin = 0; bin < last; bin++)
        {
            tail += counts[bin];
            logs += counts[bin] * Math.Log(Value(bin) / least);
            sum += counts[bin] * (Value(bin) - least);
        }

        if (logs <= 0)
        {
            // All values are the same: neither law says anything.
            return 0;
        }

        var exponent = 1 + (tail / logs);
        var power = (tail * Math.Log((exponent - 1) / least)) - (exponent * logs);
        var exponential = (tail * Math.Log(tail / sum)) - tail;
        return power - exponential;
    }

    private static double Value(int bin) => Math.Pow(2, -(bin + 0.5) / BinsPerOctave);
}
