using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DiffusionQuant.Evaluation.Metrics.LinearAlgebra;

/// <summary>Where a product is added: a matrix within an array, or the lower triangle of one.</summary>
internal readonly record struct ProductTarget
{
    private readonly double[] values;
    private readonly int start;
    private readonly int stride;

    private ProductTarget(double[] values, int start, int stride, int rows, int columns, bool isLowerOnly)
    {
        this.values = values;
        this.start = start;
        this.stride = stride;
        Rows = rows;
        Columns = columns;
        IsLowerOnly = isLowerOnly;
    }

    /// <summary>Rows of the product.</summary>
    public int Rows { get; }

    /// <summary>Columns of the product.</summary>
    public int Columns { get; }

    /// <summary>Whether only elements with row ≥ column are added.</summary>
    public bool IsLowerOnly { get; }

    /// <summary>A whole matrix in rows.</summary>
    public static ProductTarget Whole(double[] values, int start, int stride, int rows, int columns) =>
        new(values, start, stride, rows, columns, false);

    /// <summary>The lower triangle of a square matrix in rows; what is above it stays as it is.</summary>
    public static ProductTarget Lower(double[] values, int start, int stride, int rows) =>
        new(values, start, stride, rows, rows, true);

    /// <summary>A lower triangle without gaps: row i starts at i·(i+1)/2.</summary>
    public static ProductTarget Packed(double[] values, int rows) => new(values, 0, 0, rows, rows, true);

    /// <summary>Adds scale times a tile.</summary>
    public void Add(ReadOnlySpan<double> tile, int row, int rows, int column, int tileColumns, double scale)
    {
        var width = Math.Min(tileColumns, Columns - column);
        for (var r = 0; r < rows; r++, tile = tile[tileColumns..])
        {
            var count = IsLowerOnly ? Math.Min(width, row + r - column + 1) : width;
            if (count <= 0)
            {
                continue;
            }

            var i = row + r;
            var rowStart = stride == 0 ? i * (i + 1) / 2 : start + (i * stride);
            ref var target = ref MemoryMarshal.GetReference(values.AsSpan(rowStart + column, count));
            ref var source = ref MemoryMarshal.GetReference(tile);
            var factor = Vector256.Create(scale);
            var j = 0;
            for (; j <= count - 4; j += 4)
            {
                var sum = Vector256.FusedMultiplyAdd(
                    factor,
                    Vector256.LoadUnsafe(ref source, (nuint)j),
                    Vector256.LoadUnsafe(ref target, (nuint)j)
                );
                sum.StoreUnsafe(ref target, (nuint)j);
            }

            for (; j < count; j++)
            {
                values[rowStart + column + j] = Math.FusedMultiplyAdd(scale, tile[j], values[rowStart + column + j]);
            }
        }
    }
}
