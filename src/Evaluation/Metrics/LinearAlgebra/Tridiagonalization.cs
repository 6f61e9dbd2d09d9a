using System.Numerics.Tensors;
using DiffusionQuant.Engine;

namespace DiffusionQuant.Evaluation.Metrics.LinearAlgebra;

/// <summary>
/// A tridiagonal matrix with the eigenvalues of a symmetric one, by Householder reflections in panels (Dongarra, Sorensen
/// and Hammarling 1989; LAPACK's <c>dsytrd</c>): half of the work is matrix products.
/// </summary>
internal sealed class Tridiagonalization
{
    private const int PanelColumns = 32;

    // A fixed number, not the number of cores: sums are then the same on every machine.
    private const int Parts = 8;
    private const int ThreadingThreshold = 256;

    private readonly double[] matrix;
    private readonly int size;
    private readonly double[] diagonal;
    private readonly double[] beside;

    // Row 2k of Panel is v, row 2k + 1 is w of reflection k; Swapped has them the other way round, so that their product
    // is Σ v·wᵀ + w·vᵀ.
    private readonly double[] panel;
    private readonly double[] swapped;
    private readonly double[] partial;

    private Tridiagonalization(double[] matrix, int size)
    {
        this.matrix = matrix;
        this.size = size;
        diagonal = new double[size];
        beside = new double[size];
        panel = new double[2 * PanelColumns * size];
        swapped = new double[2 * PanelColumns * size];
        partial = new double[Parts * size];
    }

    /// <summary>Reduces a matrix.</summary>
    /// <param name="matrix">Size × size in rows; only the lower triangle is read. It is used as work space.</param>
    /// <param name="size">Rows and columns.</param>
    /// <returns>The diagonal, and what is beside it: element i couples i and i + 1, the last is 0.</returns>
    public static (double[] Diagonal, double[] Beside) Of(double[] matrix, int size)
    {
        var work = new Tridiagonalization(matrix, size);
        for (var start = 0; start < size; start += PanelColumns)
        {
            work.Reduce(start, Math.Min(PanelColumns, size - start));
        }

        return (work.diagonal, work.beside);
    }

    private void Reduce(int start, int count)
    {
        Array.Clear(panel);
        var column = new double[size];
        for (var k = 0; k < count; k++)
        {
            var j = start + k;
            for (var i = j; i < size; i++)
            {
                column[i] = matrix[(i * size) + j];
            }

            for (var q = 0; q < k; q++)
            {
                var v = Row(panel, 2 * q);
                var w = Row(panel, (2 * q) + 1);
                Subtract(column.AsSpan(j), v[j..], w[j]);
                Subtract(column.AsSpan(j), w[j..], v[j]);
            }

            diagonal[j] = column[j];
            if (j < size - 1)
            {
                AddReflection(column, j, k);
            }
        }

        var end = start + count;
        if (end == size)
        {
            return;
        }

        for (var k = 0; k < 2 * count; k++)
        {
            Row(panel, k ^ 1).CopyTo(Row(swapped, k));
        }

        MatrixProduct.Add(
            new(panel, end, size, IsDepthContiguous: false),
            new(swapped, end, size, IsDepthContiguous: false),
            2 * count,
            -1,
            ProductTarget.Lower(matrix, (end * size) + end, size, size - end)
        );
    }

    /// <summary>H = 1 − τ·v·vᵀ makes zeros of a column from j + 2 on; w is such that H·A·H = A − v·wᵀ − w·vᵀ.</summary>
    private void AddReflection(double[] column, int j, int k)
    {
        var first = j + 1;
        var v = Row(panel, 2 * k);
        var w = Row(panel, (2 * k) + 1);
        var tail = column.AsSpan(first);
        var norm = Norm(tail);
        // Nothing to do where the column is zero below the diagonal: v and w stay 0.
        if (norm == 0)
        {
            beside[j] = 0;
            return;
        }

        var head = tail[0];
        var target = -Math.CopySign(norm, head);
        beside[j] = target;
        var tau = (target - head) / target;
        // A column that already has the wanted form up to its sign would divide by 0 only with head = target, which the
        // choice of sign rules out.
        TensorPrimitives.Divide(tail, head - target, v[first..]);
        v[first] = 1;

        MultiplyTrailing(v, w, first);
        for (var q = 0; q < k; q++)
        {
            var earlierV = Row(panel, 2 * q)[first..];
            var earlierW = Row(panel, (2 * q) + 1)[first..];
            var alongV = TensorPrimitives.Dot<double>(earlierV, v[first..]);
            var alongW = TensorPrimitives.Dot<double>(earlierW, v[first..]);
            Subtract(w[first..], earlierV, alongW);
            Subtract(w[first..], earlierW, alongV);
        }

        TensorPrimitives.Multiply(w[first..], tau, w[first..]);
        Subtract(w[first..], v[first..], tau / 2 * TensorPrimitives.Dot<double>(w[first..], v[first..]));
    }

    /// <summary>w = A·v over rows and columns from <paramref name="first"/> on, from the lower triangle.</summary>
    private void MultiplyTrailing(Span<double> v, Span<double> w, int first)
    {
        var rows = size - first;
        if (rows < ThreadingThreshold)
        {
            MultiplyRows(v, w, first, first, size);
            return;
        }

        var source = v.ToArray();
        Workers.For(
            0,
            Parts,
            part =>
            {
                var sums = partial.AsSpan(part * size, size);
                sums.Clear();
                MultiplyRows(source, sums, first, first + Boundary(rows, part), first + Boundary(rows, part + 1));
            }
        );
        for (var part = 0; part < Parts; part++)
        {
            TensorPrimitives.Add(w[first..], partial.AsSpan((part * size) + first, rows), w[first..]);
        }
    }

    /// <summary>Parts of a triangle with as many elements each.</summary>
    private static int Boundary(int rows, int part) => (int)Math.Round(rows * Math.Sqrt((double)part / Parts));

    private void MultiplyRows(ReadOnlySpan<double> v, Span<double> w, int first, int from, int to)
    {
        for (var i = from; i < to; i++)
        {
            // A row of the triangle serves twice: as a row, and as the column that mirrors it.
            var row = matrix.AsSpan((i * size) + first, i - first);
            var mirrored = w.Slice(first, row.Length);
            w[i] +=
                SymmetricRow.DotAndAdd(row, v.Slice(first, row.Length), v[i], mirrored)
                + (matrix[(i * size) + i] * v[i]);
        }
    }

    private Span<double> Row(double[] vectors, int index) => vectors.AsSpan(index * size, size);

    private static void Subtract(Span<double> target, ReadOnlySpan<double> vector, double factor) =>
        TensorPrimitives.MultiplyAdd(vector, -factor, target, target);

    private static double Norm(ReadOnlySpan<double> vector)
    {
        var largest = Math.Abs(TensorPrimitives.MaxMagnitude(vector));
        // Squares of very small or large numbers would leave the range of float64.
        if (largest is 0 or (> 1e-100 and < 1e100))
        {
            return TensorPrimitives.Norm(vector);
        }

        var scaled = new double[vector.Length];
        TensorPrimitives.Divide(vector, largest, scaled);
        return largest * TensorPrimitives.Norm<double>(scaled);
    }
}
