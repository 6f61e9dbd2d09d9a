using DiffusionQuant.Diffusion;
using DiffusionQuant.Evaluation.Metrics.LinearAlgebra;

namespace DiffusionQuant.Evaluation.Metrics;

/// <summary>
/// KID (Bińkowski et al. 2018, "Demystifying MMD GANs"): the squared maximum mean discrepancy with the kernel
/// (xᵀy/d + 1)³, unbiased, as the mean over random subsets.
/// </summary>
public static class KernelDistance
{
    /// <summary>The distance of two sets of features.</summary>
    /// <param name="a">Count·d numbers in rows.</param>
    /// <param name="b">Count·d numbers in rows.</param>
    /// <param name="dimensions">d.</param>
    /// <param name="subsets">How many pairs of subsets are taken.</param>
    /// <param name="subsetSize">How many features of each set a subset has, drawn without replacement; the smaller set's number where that
    /// is less.</param>
    /// <param name="seed">The seed of the draws, which are the same on every machine.</param>
    /// <exception cref="ArgumentException">A feature is not whole, or a set has fewer than two.</exception>
    public static KernelDistanceResult Between(
        ReadOnlyMemory<float> a,
        ReadOnlyMemory<float> b,
        int dimensions,
        int subsets = 100,
        int subsetSize = 1000,
        ulong seed = 0
    )
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(subsets);
        ArgumentOutOfRangeException.ThrowIfLessThan(subsetSize, 2);
        var countA = FeatureRows.Count(a, dimensions, nameof(a));
        var countB = FeatureRows.Count(b, dimensions, nameof(b));
        var size = Math.Min(subsetSize, Math.Min(countA, countB));
        if (size < 2)
        {
            throw new ArgumentException(
                $"Sets of {countA} and {countB} features have no kernel distance: it takes two."
            );
        }

        // All subsets of whole sets are the same.
        var distinct = size == countA && size == countB ? 1 : subsets;
        var source = new NoiseSource(seed);
        var work = new SubsetWork(size, dimensions);
        var distances = new double[distinct];
        for (var subset = 0; subset < distinct; subset++)
        {
            Gather(a, Draw(source, 2 * subset, countA, size), work.A);
            Gather(b, Draw(source, (2 * subset) + 1, countB, size), work.B);
            distances[subset] = work.Distance();
        }

        var mean = distances.Average();
        var deviation = Math.Sqrt(distances.Average(v => (v - mean) * (v - mean)));
        return new(mean, deviation, subsets, size);
    }

    /// <summary>The first numbers of a random order (Fisher and Yates).</summary>
    internal static int[] Draw(NoiseSource source, int subset, int count, int size)
    {
        var order = Enumerable.Range(0, count).ToArray();
        for (var i = 0; i < size; i++)
        {
            var other = i + source.Draw(NoisePurpose.Resampling, i, subset, count - i);
            (order[i], order[other]) = (order[other], order[i]);
        }

        return order[..size];
    }

    private static void Gather(ReadOnlyMemory<float> features, int[] rows, double[] target)
    {
        var dimensions = target.Length / rows.Length;
        for (var i = 0; i < rows.Length; i++)
        {
            FeatureRows.Copy(features, rows[i], target.AsSpan(i * dimensions, dimensions));
        }
    }

    private sealed class SubsetWork(int size, int dimensions)
    {
        private readonly double[] products = new double[size * size];

        public double[] A { get; } = new double[size * dimensions];

        public double[] B { get; } = new double[size * dimensions];

        public double Distance()
        {
            double pairs = (double)size * (size - 1);
            return (SumWithin(A) / pairs) + (SumWithin(B) / pairs) - (2 * SumBetween() / ((double)size * size));
        }

        private double SumWithin(double[] features)
        {
            Array.Clear(products);
            var rows = new Factor(features, 0, dimensions, IsDepthContiguous: true);
            MatrixProduct.Add(rows, rows, dimensions, 1, ProductTarget.Lower(products, 0, size, size));
            var sum = 0.0;
            for (var i = 1; i < size; i++)
            {
                // A feature with itself would bias the estimate.
                sum += SumKernel(products.AsSpan(i * size, i));
            }

            return 2 * sum;
        }

        private double SumBetween()
        {
            Array.Clear(products);
            MatrixProduct.Add(
                new(A, 0, dimensions, IsDepthContiguous: true),
                new(B, 0, dimensions, IsDepthContiguous: true),
                dimensions,
                1,
                ProductTarget.Whole(products, 0, size, size, size)
            );
            var sum = 0.0;
            for (var i = 0; i < size; i++)
            {
                sum += SumKernel(products.AsSpan(i * size, size));
            }

            return sum;
        }

        private double SumKernel(ReadOnlySpan<double> row)
        {
            var sum = 0.0;
            foreach (var product in row)
            {
                var root = (product / dimensions) + 1;
                sum += root * root * root;
            }

            return sum;
        }
    }
}
