using System.Numerics.Tensors;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Training;

/// <summary>
/// The factors of a change B·A to a weight that is taken as a matrix of its first dimension by all others
/// (Hu et al., ICLR 2022; merged with the weight before it is quantized in EfficientDM, He et al., ICLR 2024).
/// </summary>
/// <param name="Rows">The weight's first dimension.</param>
/// <param name="Columns">The product of all others.</param>
/// <param name="Rank">The rank.</param>
/// <param name="A">Rank × columns numbers.</param>
/// <param name="B">Rows × rank numbers.</param>
internal sealed record LowRankFactors(int Rows, int Columns, int Rank, float[] A, float[] B)
{
    /// <summary>Iterations of the subspace; the singular values of rounding errors lie close together, and more of them
    /// change little in what is caught.</summary>
    private const int Iterations = 4;

    /// <summary>What training starts from.</summary>
    /// <param name="weight">The float weight.</param>
    /// <param name="quantized">Its codes.</param>
    /// <param name="rank">The wanted rank; the weight's own bounds it.</param>
    /// <param name="start">How it starts.</param>
    /// <param name="random">The random choices.</param>
    public static LowRankFactors Of(
        ReadOnlySpan<float> weight,
        QuantizedWeight quantized,
        int rank,
        LowRankStart start,
        Random random
    )
    {
        var rows = checked((int)quantized.Dims[0]);
        var columns = weight.Length / rows;
        rank = Math.Min(rank, Math.Min(rows, columns));
        if (start == LowRankStart.Random)
        {
            // Kaiming's law with a = √5, as linear layers are drawn: ±1/√columns.
            var bound = 1 / MathF.Sqrt(columns);
            var a = new float[rank * columns];
            for (var i = 0; i < a.Length; i++)
            {
                a[i] = bound * ((2 * random.NextSingle()) - 1);
            }

            return new(rows, columns, rank, a, new float[rows * rank]);
        }

        var error = new float[weight.Length];
        TensorPrimitives.Subtract(weight, quantized.ToFloats(), error);
        return Best(error, rows, columns, rank, random);
    }

    /// <summary>
    /// The best approximation of a matrix of a rank, by orthogonal iteration from random vectors (Halko, Martinsson and
    /// Tropp 2011, algorithm 4.4): with the orthonormal Q that spans the first left singular vectors, B = Q and A = Qᵀ·E.
    /// </summary>
    public static LowRankFactors Best(float[] matrix, int rows, int columns, int rank, Random random)
    {
        // Columns of Q lie one behind the other: products are of whole vectors then.
        var q = new float[rank][];
        for (var k = 0; k < rank; k++)
        {
            var draw = new float[columns];
            for (var i = 0; i < columns; i++)
            {
                draw[i] = random.NextSingle() - 0.5f;
            }

            q[k] = Multiply(matrix, rows, columns, draw);
        }

        Orthonormalize(q);
        for (var iteration = 0; iteration < Iterations; iteration++)
        {
            Workers.For(
                0,
                rank,
                k => q[k] = Multiply(matrix, rows, columns, MultiplyTransposed(matrix, rows, columns, q[k]))
            );
            Orthonormalize(q);
        }

        var a = new float[rank * columns];
        var b = new float[rows * rank];
        for (var k = 0; k < rank; k++)
        {
            MultiplyTransposed(matrix, rows, columns, q[k]).CopyTo(a, k * columns);
            for (var i = 0; i < rows; i++)
            {
                b[(i * rank) + k] = q[k][i];
            }
        }

        return new(rows, columns, rank, a, b);
    }

    /// <summary>A weight with the change B·A.</summary>
    public static float[] Merge(ReadOnlySpan<float> weight, int rank, float[] a, float[] b)
    {
        var columns = a.Length / rank;
        var merged = weight.ToArray();
        Workers.For(
            0,
            b.Length / rank,
            row =>
            {
                var target = merged.AsSpan(row * columns, columns);
                for (var k = 0; k < rank; k++)
                {
                    TensorPrimitives.MultiplyAdd(a.AsSpan(k * columns, columns), b[(row * rank) + k], target, target);
                }
            }
        );
        return merged;
    }

    private static float[] Multiply(float[] matrix, int rows, int columns, float[] vector)
    {
        var result = new float[rows];
        for (var i = 0; i < rows; i++)
        {
            result[i] = PortableSums.Dot(matrix.AsSpan(i * columns, columns), vector);
        }

        return result;
    }

    private static float[] MultiplyTransposed(float[] matrix, int rows, int columns, float[] vector)
    {
        var result = new float[columns];
        for (var i = 0; i < rows; i++)
        {
            TensorPrimitives.MultiplyAdd(matrix.AsSpan(i * columns, columns), vector[i], result, result);
        }

        return result;
    }

    /// <summary>Gram and Schmidt's, each vector twice, which is enough for float32.</summary>
    private static void Orthonormalize(float[][] vectors)
    {
        for (var k = 0; k < vectors.Length; k++)
        {
            for (var pass = 0; pass < 2; pass++)
            {
                for (var j = 0; j < k; j++)
                {
                    var share = PortableSums.Dot(vectors[j], vectors[k]);
                    TensorPrimitives.MultiplyAdd(vectors[j], -share, vectors[k], vectors[k]);
                }

                var length = MathF.Sqrt(PortableSums.SumOfSquares(vectors[k]));
                TensorPrimitives.Multiply(vectors[k], length > 0 ? 1 / length : 0, vectors[k]);
            }
        }
    }
}
