using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DiffusionQuant.Evaluation.Metrics.LinearAlgebra;

/// <summary>The inner loop of products of a symmetric matrix with a vector.</summary>
internal static class SymmetricRow
{
    /// <summary>Returns row · vector and adds factor · row to <paramref name="sums"/>, reading the row once.</summary>
    /// <param name="row">A row of the lower triangle, without its diagonal.</param>
    /// <param name="vector">As long.</param>
    /// <param name="factor">The vector's element at this row.</param>
    /// <param name="sums">As long.</param>
    public static double DotAndAdd(
        ReadOnlySpan<double> row,
        ReadOnlySpan<double> vector,
        double factor,
        Span<double> sums
    )
    {
        ref var r = ref MemoryMarshal.GetReference(row);
        ref var v = ref MemoryMarshal.GetReference(vector);
        ref var s = ref MemoryMarshal.GetReference(sums);
        var f = Vector256.Create(factor);
        Vector256<double> dot0 = default,
            dot1 = default;
        nuint i = 0;
        var length = (nuint)row.Length;
        for (; i + 8 <= length; i += 8)
        {
            var r0 = Vector256.LoadUnsafe(ref r, i);
            var r1 = Vector256.LoadUnsafe(ref r, i + 4);
            dot0 = Vector256.FusedMultiplyAdd(r0, Vector256.LoadUnsafe(ref v, i), dot0);
            dot1 = Vector256.FusedMultiplyAdd(r1, Vector256.LoadUnsafe(ref v, i + 4), dot1);
            Vector256.FusedMultiplyAdd(r0, f, Vector256.LoadUnsafe(ref s, i)).StoreUnsafe(ref s, i);
            Vector256.FusedMultiplyAdd(r1, f, Vector256.LoadUnsafe(ref s, i + 4)).StoreUnsafe(ref s, i + 4);
        }

        var dot = Vector256.Sum(dot0 + dot1);
        for (var j = (int)i; j < row.Length; j++)
        {
            dot = Math.FusedMultiplyAdd(row[j], vector[j], dot);
            sums[j] = Math.FusedMultiplyAdd(row[j], factor, sums[j]);
        }

        return dot;
    }
}
