using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Calibration;

/// <summary>
/// Counts values on a grid of fixed size that widens by doubling: bins are <c>2^Exponent</c> wide and aligned at zero, so
/// two neighbouring bins of a fine grid are one bin of a coarser one. Histograms of parts therefore merge exactly, and
/// memory does not grow with the number of values.
/// </summary>
public sealed class StreamingHistogram : IDistribution
{
    private const int LeastExponent = -60;
    private const int PlacesPerStep = 4;
    private const int MostPlaces = 8;
    private readonly long[] counts;
    private readonly int half;

    /// <summary>Makes an empty histogram.</summary>
    /// <param name="bins">The number of bins; even. Half of them hold negative values.</param>
    public StreamingHistogram(int bins = 4096)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 2);
        half = bins / 2;
        counts = new long[2 * half];
    }

    /// <summary>The bins' width is two to this power.</summary>
    public int Exponent { get; private set; } = LeastExponent;

    /// <summary>The number of values; those that are not finite are not counted.</summary>
    public long Count { get; private set; }

    /// <summary>How many values were infinite or not a number.</summary>
    public long NonFinite { get; private set; }

    /// <summary>The smallest value.</summary>
    public float Min { get; private set; } = float.PositiveInfinity;

    /// <summary>The largest value.</summary>
    public float Max { get; private set; } = float.NegativeInfinity;

    /// <inheritdoc/>
    /// <remarks>On <see cref="RangeGrid"/>: these values came out of float kernels.</remarks>
    public (float Min, float Max) Range => RangeGrid.Outward(Min, Max);

    /// <summary>The counts, lowest bin first; the bin in the middle begins at zero.</summary>
    public ReadOnlySpan<long> Counts => counts;

    private float Width => MathF.ScaleB(1, Exponent);

    /// <summary>Counts values.</summary>
    public void Add(ReadOnlySpan<float> values)
    {
        if (values.Length == 0)
        {
            return;
        }

        var (min, max) = (
            System.Numerics.Tensors.TensorPrimitives.Min(values),
            System.Numerics.Tensors.TensorPrimitives.Max(values)
        );
        if (!float.IsFinite(min) || !float.IsFinite(max))
        {
            AddFinite(values);
            return;
        }

        Min = Math.Min(Min, min);
        Max = Math.Max(Max, max);
        WidenTo(Math.Max(Math.Abs(min), Math.Abs(max)));
        var inverse = 1 / Width;
        var bins = counts;
        foreach (var value in values)
        {
            bins[(int)MathF.Floor(value * inverse) + half]++;
        }

        Count += values.Length;
    }

    /// <summary>Adds another histogram's values; the result is what counting both streams into one would have given.</summary>
    public void Merge(StreamingHistogram other)
    {
        if (other.counts.Length != counts.Length)
        {
            throw new ArgumentException("Histograms merge only with the same number of bins.", nameof(other));
        }

        while (Exponent < other.Exponent)
        {
            Double();
        }

        var shift = Exponent - other.Exponent;
        for (var i = 0; i < other.counts.Length; i++)
        {
            counts[((i - half) >> shift) + half] += other.counts[i];
        }

        Count += other.Count;
        NonFinite += other.NonFinite;
        Min = Math.Min(Min, other.Min);
        Max = Math.Max(Max, other.Max);
    }

    /// <inheritdoc/>
    public double SumOfSquares
    {
        get
        {
            var sum = 0.0;
            for (var i = 0; i < counts.Length; i++)
            {
                sum += counts[i] * (double)Centre(i) * Centre(i);
            }

            return sum;
        }
    }

    /// <summary>Mean and variance of the values, to the bins' precision.</summary>
    public (double Mean, double Variance) Moments
    {
        get
        {
            var sum = 0.0;
            for (var i = 0; i < counts.Length; i++)
            {
                sum += counts[i] * (double)Centre(i);
            }

            var mean = Count == 0 ? 0 : sum / Count;
            return (mean, Count == 0 ? 0 : Math.Max((SumOfSquares / Count) - (mean * mean), 0));
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// A bin's values are taken at several places where bins are not much finer than the quantizer's steps: their centres
    /// alone could all lie on its grid, and the error would seem to be nothing.
    /// </remarks>
    public double Error(UniformQuantizer quantizer, double power)
    {
        var places = Math.Clamp((int)MathF.Ceiling(PlacesPerStep * Width / quantizer.Scale), 1, MostPlaces);
        var sum = 0.0;
        for (var i = 0; i < counts.Length; i++)
        {
            if (counts[i] == 0)
            {
                continue;
            }

            var error = 0.0;
            for (var j = 0; j < places; j++)
            {
                var value = At(i, (j + 0.5f) / places);
                error += QuantizationError.Power(Math.Abs(value - quantizer.Simulate(value)), power);
            }

            sum += counts[i] * error / places;
        }

        return sum;
    }

    /// <inheritdoc/>
    public float Quantile(double share)
    {
        var wanted = (long)Math.Ceiling(share * Count);
        var seen = 0L;
        for (var i = 0; i < counts.Length; i++)
        {
            seen += counts[i];
            if (seen >= wanted && seen > 0)
            {
                return Math.Clamp(Centre(i), Min, Max);
            }
        }

        return Count > 0 ? Max : 0;
    }

    private float Centre(int bin) => At(bin, 0.5f);

    /// <summary>A place inside a bin, 0 to 1 from its lower end.</summary>
    private float At(int bin, float place) => Math.Clamp((bin - half + place) * Width, Min, Max);

    private void AddFinite(ReadOnlySpan<float> values)
    {
        var finite = new List<float>(values.Length);
        foreach (var value in values)
        {
            if (float.IsFinite(value))
            {
                finite.Add(value);
            }
        }

        NonFinite += values.Length - finite.Count;
        Add(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(finite));
    }

    private void WidenTo(float magnitude)
    {
        if (Count == 0 && magnitude > 0)
        {
            // The first values choose the grid; nothing is counted yet, so nothing needs to move.
            Exponent = Math.Max(Exponent, (int)MathF.Ceiling(MathF.Log2(magnitude / half)) - 1);
        }

        while (magnitude >= half * Width)
        {
            Double();
        }
    }

    private void Double()
    {
        if (Count > 0)
        {
            var merged = new long[counts.Length];
            for (var i = 0; i < counts.Length; i++)
            {
                merged[((i - half) >> 1) + half] += counts[i];
            }

            merged.CopyTo(counts, 0);
        }

        Exponent++;
    }
}
