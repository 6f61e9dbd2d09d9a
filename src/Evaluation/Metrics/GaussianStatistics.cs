using DiffusionQuant.Evaluation.Metrics.LinearAlgebra;

namespace DiffusionQuant.Evaluation.Metrics;

/// <summary>
/// How many features there are, their mean and their covariance: sums in float64 that may be taken over parts of the images in
/// any order and added.
/// </summary>
/// <remarks>
/// Sums are of x − center and its products, so that features far from zero do not lose the digits that tell them apart. The
/// sums do not depend on how many features are added at a time. Not safe for use by two threads at once.
/// </remarks>
public sealed class GaussianStatistics
{
    private const int Format = 1;
    private const int MaxDimensions = 32768;

    // As many rows wait until a product with all of them is worth it.
    private const int PendingRows = 256;

    private readonly double[] center;
    private readonly double[] sum;

    // Σ (x − c)·(x − c)ᵀ, the lower triangle: row i starts at i·(i+1)/2.
    private readonly double[] products;
    private readonly double[] pending;
    private int pendingCount;
    private long count;

    /// <summary>Statistics of no features.</summary>
    /// <param name="dimensions">Numbers of a feature.</param>
    /// <param name="center">A point near the features, of as many numbers; empty for zeros.</param>
    /// <exception cref="ArgumentException">A length does not fit.</exception>
    public GaussianStatistics(int dimensions, ReadOnlySpan<double> center = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dimensions);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(dimensions, MaxDimensions);
        if (center.Length != 0 && center.Length != dimensions)
        {
            throw new ArgumentException(
                $"The center has {center.Length} numbers for features of {dimensions}.",
                nameof(center)
            );
        }

        Dimensions = dimensions;
        this.center = center.Length == 0 ? new double[dimensions] : center.ToArray();
        sum = new double[dimensions];
        products = new double[dimensions * (dimensions + 1L) / 2];
        pending = new double[PendingRows * dimensions];
    }

    /// <summary>Numbers of a feature.</summary>
    public int Dimensions { get; }

    /// <summary>How many features there are.</summary>
    public long Count => count + pendingCount;

    /// <summary>Statistics of which only the mean and the covariance are known, as files of <c>mu</c> and <c>sigma</c> hold them.</summary>
    /// <param name="count">How many features they are of; at least 2.</param>
    /// <param name="mean">d numbers.</param>
    /// <param name="covariance">d·d numbers in rows, divided by n − 1; its symmetric part is taken.</param>
    /// <exception cref="ArgumentException">A length does not fit.</exception>
    public static GaussianStatistics OfMoments(long count, ReadOnlySpan<double> mean, ReadOnlySpan<double> covariance)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 2);
        var result = new GaussianStatistics(mean.Length, mean) { count = count };
        CheckCovariance(mean.Length, covariance.Length);
        var at = 0;
        for (var i = 0; i < mean.Length; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var both = covariance[(i * mean.Length) + j] + covariance[(j * mean.Length) + i];
                result.products[at++] = both / 2 * (count - 1);
            }
        }

        return result;
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="InvalidDataException">It is nothing of the kind.</exception>
    /// <exception cref="EndOfStreamException">It ends too early.</exception>
    public static GaussianStatistics Read(BinaryReader reader)
    {
        var format = reader.ReadInt32();
        var dimensions = reader.ReadInt32();
        var count = reader.ReadInt64();
        if (format != Format || dimensions is <= 0 or > MaxDimensions || count < 0)
        {
            throw new InvalidDataException("These are no statistics of features, or they are of another version.");
        }

        var result = new GaussianStatistics(dimensions, DoubleArrays.Read(reader, dimensions)) { count = count };
        DoubleArrays.Read(reader, result.sum);
        DoubleArrays.Read(reader, result.products);
        return result;
    }

    /// <summary>Adds features.</summary>
    /// <param name="features">Count·d numbers in rows.</param>
    /// <exception cref="ArgumentException">The last feature is not whole.</exception>
    public void Add(ReadOnlySpan<float> features)
    {
        if (features.Length % Dimensions != 0)
        {
            throw new ArgumentException(
                $"{features.Length} numbers are no whole number of features of {Dimensions}.",
                nameof(features)
            );
        }

        for (; !features.IsEmpty; features = features[Dimensions..])
        {
            var row = pending.AsSpan(pendingCount * Dimensions, Dimensions);
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = features[i] - center[i];
                sum[i] += row[i];
            }

            if (++pendingCount == PendingRows)
            {
                AddPending();
            }
        }
    }

    /// <summary>Adds the features of other statistics, whose center may be another one.</summary>
    /// <exception cref="ArgumentException">Their features have another number of dimensions.</exception>
    public void Add(GaussianStatistics other) => Combine(other, 1);

    /// <summary>The statistics without some of their features; these stay as they are.</summary>
    /// <param name="part">The statistics of features that are among these.</param>
    /// <exception cref="ArgumentException">The part is larger, or its features have another number of dimensions.</exception>
    public GaussianStatistics Subtract(GaussianStatistics part)
    {
        if (part.Count > Count)
        {
            throw new ArgumentException($"A part of {part.Count} features is no part of {Count}.", nameof(part));
        }

        var result = new GaussianStatistics(Dimensions, center);
        result.Combine(this, 1);
        result.Combine(part, -1);
        return result;
    }

    /// <summary>The mean: d numbers.</summary>
    /// <exception cref="InvalidOperationException">There are no features.</exception>
    public double[] Mean()
    {
        if (Count == 0)
        {
            throw new InvalidOperationException("The mean of no features is not defined.");
        }

        var mean = new double[Dimensions];
        for (var i = 0; i < mean.Length; i++)
        {
            mean[i] = center[i] + (sum[i] / Count);
        }

        return mean;
    }

    /// <summary>The covariance: d·d numbers in rows, divided by n − 1 as <c>numpy.cov</c> does.</summary>
    /// <exception cref="InvalidOperationException">There are fewer than two features.</exception>
    public double[] Covariance()
    {
        if (Count < 2)
        {
            throw new InvalidOperationException($"The covariance of {Count} features is not defined: it takes two.");
        }

        AddPending();
        var d = Dimensions;
        var covariance = new double[d * d];
        var at = 0;
        for (var i = 0; i < d; i++)
        {
            var meanOffset = sum[i] / count;
            for (var j = 0; j <= i; j++)
            {
                var value = (products[at++] - (meanOffset * sum[j])) / (count - 1);
                covariance[(i * d) + j] = value;
                covariance[(j * d) + i] = value;
            }
        }

        return covariance;
    }

    /// <summary>Writes the sums, about 4·d² bytes, in the same bytes on every machine.</summary>
    public void Write(BinaryWriter writer)
    {
        AddPending();
        writer.Write(Format);
        writer.Write(Dimensions);
        writer.Write(count);
        DoubleArrays.Write(writer, center);
        DoubleArrays.Write(writer, sum);
        DoubleArrays.Write(writer, products);
    }

    internal static void CheckCovariance(int dimensions, int length)
    {
        if (length != (long)dimensions * dimensions)
        {
            throw new ArgumentException(
                $"A covariance of {length} numbers does not fit a mean of {dimensions}.",
                nameof(length)
            );
        }
    }

    private void Combine(GaussianStatistics other, double sign)
    {
        if (other.Dimensions != Dimensions)
        {
            throw new ArgumentException(
                $"Features of {other.Dimensions} numbers cannot be added to features of {Dimensions}.",
                nameof(other)
            );
        }

        AddPending();
        other.AddPending();
        // With δ = c' − c: Σ (x−c)(x−c)ᵀ = Σ (x−c')(x−c')ᵀ + s'δᵀ + δs'ᵀ + n·δδᵀ.
        var at = 0;
        for (var i = 0; i < Dimensions; i++)
        {
            var shift = other.center[i] - center[i];
            var shifted = other.sum[i] + (other.count * shift);
            for (var j = 0; j <= i; j++, at++)
            {
                var moved = (shifted * (other.center[j] - center[j])) + (shift * other.sum[j]);
                products[at] += sign * (other.products[at] + moved);
            }
        }

        // Apart from the products, which may be of this object itself.
        for (var i = 0; i < Dimensions; i++)
        {
            sum[i] += sign * (other.sum[i] + (other.count * (other.center[i] - center[i])));
        }

        count += (long)sign * other.count;
    }

    private void AddPending()
    {
        if (pendingCount > 0)
        {
            var rows = new Factor(pending, 0, Dimensions, IsDepthContiguous: false);
            MatrixProduct.Add(rows, rows, pendingCount, 1, ProductTarget.Packed(products, Dimensions));
            count += pendingCount;
            pendingCount = 0;
        }
    }
}
