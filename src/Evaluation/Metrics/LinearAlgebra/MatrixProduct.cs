using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DiffusionQuant.Evaluation.Metrics.LinearAlgebra;

/// <summary>
/// Products of dense matrices in float64, in vectors and threads.
/// </summary>
/// <remarks>
/// Each number of the result is summed by one thread in a fixed order with fused multiply-adds, which every machine rounds
/// alike: results do not depend on the number of cores or on the width of the machine's vectors.
/// </remarks>
internal static class MatrixProduct
{
    private const int TileRows = 4;
    private const int TileColumns = 12;

    // A panel of TileColumns columns (24 KiB) stays in a core's first cache, RowBlock rows (128 KiB) in its second.
    private const int DepthBlock = 256;
    private const int RowBlock = 64;

    // Below this many multiply-adds threads cost more than they save.
    private const long ThreadingThreshold = 1 << 18;

    /// <summary>Adds scale·Σ_k a[k, i]·b[k, j] to result[i, j].</summary>
    /// <param name="a">The left factor: depth × rows.</param>
    /// <param name="b">The right factor: depth × columns.</param>
    /// <param name="depth">How many products are summed.</param>
    /// <param name="scale">A factor on all.</param>
    /// <param name="result">Receives the sums.</param>
    public static void Add(Factor a, Factor b, int depth, double scale, ProductTarget result)
    {
        var (rows, columns) = (result.Rows, result.Columns);
        if (rows == 0 || columns == 0 || depth == 0)
        {
            return;
        }

        var threaded = (long)rows * columns * depth > ThreadingThreshold;
        var block = Math.Min(depth, DepthBlock);
        var packedA = new double[Tiles(rows, TileRows) * TileRows * block];
        var packedB = new double[Tiles(columns, TileColumns) * TileColumns * block];
        var rowBlocks = (rows + RowBlock - 1) / RowBlock;
        for (var start = 0; start < depth; start += block)
        {
            var count = Math.Min(block, depth - start);
            a.Pack(start, count, rows, TileRows, packedA, threaded);
            b.Pack(start, count, columns, TileColumns, packedB, threaded);
            // The last blocks of a triangle are the largest: they start first, so that threads end together.
            Loop.For(
                rowBlocks,
                threaded,
                i => AddRows(packedA, packedB, count, (rowBlocks - 1 - i) * RowBlock, scale, result)
            );
        }
    }

    private static int Tiles(int length, int width) => (length + width - 1) / width;

    private static void AddRows(double[] a, double[] b, int depth, int firstRow, double scale, in ProductTarget result)
    {
        var lastRow = Math.Min(firstRow + RowBlock, result.Rows);
        var columns = result.IsLowerOnly ? Math.Min(result.Columns, lastRow) : result.Columns;
        Span<double> tile = stackalloc double[TileRows * TileColumns];
        for (var column = 0; column < columns; column += TileColumns)
        {
            ref var panel = ref b[column * depth];
            for (var row = firstRow; row < lastRow; row += TileRows)
            {
                if (result.IsLowerOnly && column > row + TileRows - 1)
                {
                    continue;
                }

                SumTile(ref a[row * depth], ref panel, depth, tile);
                result.Add(tile, row, Math.Min(TileRows, lastRow - row), column, TileColumns, scale);
            }
        }
    }

    private static void SumTile(ref double a, ref double b, int depth, Span<double> tile)
    {
        Vector256<double> c00 = default,
            c01 = default,
            c02 = default,
            c10 = default,
            c11 = default,
            c12 = default,
            c20 = default,
            c21 = default,
            c22 = default,
            c30 = default,
            c31 = default,
            c32 = default;
        for (var k = 0; k < depth; k++)
        {
            var b0 = Vector256.LoadUnsafe(ref b);
            var b1 = Vector256.LoadUnsafe(ref b, 4);
            var b2 = Vector256.LoadUnsafe(ref b, 8);
            var x = Vector256.Create(a);
            c00 = Vector256.FusedMultiplyAdd(x, b0, c00);
            c01 = Vector256.FusedMultiplyAdd(x, b1, c01);
            c02 = Vector256.FusedMultiplyAdd(x, b2, c02);
            x = Vector256.Create(Unsafe.Add(ref a, 1));
            c10 = Vector256.FusedMultiplyAdd(x, b0, c10);
            c11 = Vector256.FusedMultiplyAdd(x, b1, c11);
            c12 = Vector256.FusedMultiplyAdd(x, b2, c12);
            x = Vector256.Create(Unsafe.Add(ref a, 2));
            c20 = Vector256.FusedMultiplyAdd(x, b0, c20);
            c21 = Vector256.FusedMultiplyAdd(x, b1, c21);
            c22 = Vector256.FusedMultiplyAdd(x, b2, c22);
            x = Vector256.Create(Unsafe.Add(ref a, 3));
            c30 = Vector256.FusedMultiplyAdd(x, b0, c30);
            c31 = Vector256.FusedMultiplyAdd(x, b1, c31);
            c32 = Vector256.FusedMultiplyAdd(x, b2, c32);
            a = ref Unsafe.Add(ref a, TileRows);
            b = ref Unsafe.Add(ref b, TileColumns);
        }

        ref var t = ref MemoryMarshal.GetReference(tile);
        c00.StoreUnsafe(ref t);
        c01.StoreUnsafe(ref t, 4);
        c02.StoreUnsafe(ref t, 8);
        c10.StoreUnsafe(ref t, 12);
        c11.StoreUnsafe(ref t, 16);
        c12.StoreUnsafe(ref t, 20);
        c20.StoreUnsafe(ref t, 24);
        c21.StoreUnsafe(ref t, 28);
        c22.StoreUnsafe(ref t, 32);
        c30.StoreUnsafe(ref t, 36);
        c31.StoreUnsafe(ref t, 40);
        c32.StoreUnsafe(ref t, 44);
    }
}
