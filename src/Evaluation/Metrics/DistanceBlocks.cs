using System.Numerics.Tensors;
using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation.Metrics.LinearAlgebra;

namespace DiffusionQuant.Evaluation.Metrics;

/// <summary>Squared distances between all features of two sets, a block at a time: memory does not grow with the sets.</summary>
internal sealed class DistanceBlocks
{
    private const int BlockRows = 1024;

    private readonly ReadOnlyMemory<float> features;
    private readonly double[] center;

    /// <summary>A set of features.</summary>
    /// <param name="features">Count·d numbers in rows.</param>
    /// <param name="center">A point near them.</param>
    public DistanceBlocks(ReadOnlyMemory<float> features, double[] center)
    {
        this.features = features;
        this.center = center;
        Count = features.Length / center.Length;
    }

    /// <summary>How many features there are.</summary>
    public int Count { get; }

    /// <summary>Gives each block of distances to a body, whose numbers are overwritten by the next.</summary>
    /// <param name="others">The features of columns, about the same center; these are the features of rows.</param>
    /// <param name="body">Takes a block.</param>
    public void ForEachBlock(DistanceBlocks others, Action<DistanceBlock> body)
    {
        var distances = new double[Math.Min(BlockRows, Count) * Math.Min(BlockRows, others.Count)];
        for (var row = 0; row < Count; row += BlockRows)
        {
            var (rows, rowSquares) = Load(row);
            for (var column = 0; column < others.Count; column += BlockRows)
            {
                var (columns, columnSquares) = others.Load(column);
                FillDistances(rows, rowSquares, columns, columnSquares, distances);
                body(new(distances, row, rowSquares.Length, column, columnSquares.Length));
            }
        }
    }

    private (double[] Features, double[] Squares) Load(int first)
    {
        var count = Math.Min(BlockRows, Count - first);
        var rows = new double[count * center.Length];
        var squares = new double[count];
        Workers.For(
            0,
            count,
            i =>
            {
                var row = rows.AsSpan(i * center.Length, center.Length);
                FeatureRows.Copy(features, first + i, row);
                TensorPrimitives.Subtract(row, center, row);
                squares[i] = TensorPrimitives.SumOfSquares<double>(row);
            }
        );
        return (rows, squares);
    }

    /// <summary>|x − y|² = |x|² + |y|² − 2·xᵀy.</summary>
    private void FillDistances(
        double[] rows,
        double[] rowSquares,
        double[] columns,
        double[] columnSquares,
        double[] distances
    )
    {
        var width = columnSquares.Length;
        for (var r = 0; r < rowSquares.Length; r++)
        {
            TensorPrimitives.Add(columnSquares, rowSquares[r], distances.AsSpan(r * width, width));
        }

        MatrixProduct.Add(
            new(rows, 0, center.Length, IsDepthContiguous: true),
            new(columns, 0, center.Length, IsDepthContiguous: true),
            center.Length,
            -2,
            ProductTarget.Whole(distances, 0, width, rowSquares.Length, width)
        );
    }
}

/// <summary>Squared distances between some features of two sets; rounding may leave less than 0 for equal ones.</summary>
/// <param name="Distances">Rows × columns.</param>
/// <param name="FirstRow">Which feature the first row is of.</param>
/// <param name="Rows">How many rows.</param>
/// <param name="FirstColumn">Which feature the first column is of.</param>
/// <param name="Columns">How many columns.</param>
internal sealed record DistanceBlock(double[] Distances, int FirstRow, int Rows, int FirstColumn, int Columns)
{
    /// <summary>The distances of a row.</summary>
    public ReadOnlySpan<double> Row(int row) => Distances.AsSpan(row * Columns, Columns);
}
