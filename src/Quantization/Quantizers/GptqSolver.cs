using DiffusionQuant.Engine;

namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>
/// Rounds the rows of a matrix so that the error of its products with given inputs is small, not that of its elements
/// (GPTQ, Frantar et al., ICLR 2023). With H = XᵀX + λI of the inputs X, columns are rounded one after the other, each
/// towards the value that makes up best for the errors of those before it.
/// </summary>
/// <remarks>
/// With H = R·Rᵀ, R upper triangular, the error eᵀHe is Σ_j (Σ_{k≤j} R[k,j]·e_k)². Term j is least for
/// e_j = −Σ_{k&lt;j} R[k,j]·e_k / R[j,j]: the same choices as by GPTQ's inverse Hessian, without the inverse.
/// </remarks>
public sealed class GptqSolver
{
    /// <summary>λ as a share of H's mean diagonal.</summary>
    private const double Damping = 0.01;

    private readonly int size;

    // In the order of falling H[j,j]: columns that matter most are rounded while the others can still make up for them.
    private readonly int[] order;

    // Row j holds R[k,j] / R[j,j] for k < j.
    private readonly float[][] factors;

    /// <summary>Factorises a Hessian.</summary>
    /// <param name="hessian">XᵀX, size² numbers; it is overwritten.</param>
    /// <param name="size">The number of columns.</param>
    public GptqSolver(double[] hessian, int size)
    {
        this.size = size;
        order = [.. Enumerable.Range(0, size).OrderByDescending(j => hessian[(j * size) + j]).ThenBy(j => j)];
        var lower = Reversed(hessian, size, order);
        Factorise(lower);
        factors = new float[size][];
        for (var j = 0; j < size; j++)
        {
            var diagonal = lower[size - 1 - j][size - 1 - j];
            factors[j] = new float[j];
            for (var k = 0; k < j; k++)
            {
                factors[j][k] = (float)(lower[size - 1 - k][size - 1 - j] / diagonal);
            }
        }
    }

    /// <summary>Rounds one row.</summary>
    /// <param name="row">The weights, one per column.</param>
    /// <param name="quantizer">Their quantizer.</param>
    /// <param name="codes">Receives the codes.</param>
    public void Round(ReadOnlySpan<float> row, UniformQuantizer quantizer, Span<byte> codes)
    {
        var errors = new float[size];
        for (var j = 0; j < size; j++)
        {
            var weight = row[order[j]];
            var wanted = weight + PortableSums.Dot(factors[j], errors.AsSpan(0, j));
            var code = quantizer.Quantize(wanted);
            codes[order[j]] = (byte)code;
            errors[j] = weight - quantizer.Dequantize(code);
        }
    }

    /// <summary>H in the order of columns, last one first, damped, as rows of its lower triangle.</summary>
    private static double[][] Reversed(double[] hessian, int size, int[] order)
    {
        var mean = 0.0;
        for (var j = 0; j < size; j++)
        {
            mean += hessian[(j * size) + j] / size;
        }

        // Inputs that are always zero leave their weights free; they are rounded to nearest.
        var damping = mean > 0 ? Damping * mean : 1;
        var rows = new double[size][];
        for (var i = 0; i < size; i++)
        {
            rows[i] = new double[i + 1];
            var from = order[size - 1 - i] * size;
            for (var k = 0; k <= i; k++)
            {
                rows[i][k] = hessian[from + order[size - 1 - k]];
            }

            rows[i][i] += damping;
        }

        return rows;
    }

    /// <summary>Cholesky's factorisation in place, in panels so that rows can be worked on at once.</summary>
    private static void Factorise(double[][] rows)
    {
        const int Panel = 64;
        for (var start = 0; start < rows.Length; start += Panel)
        {
            var end = Math.Min(start + Panel, rows.Length);
            for (var i = start; i < end; i++)
            {
                Reduce(rows, i, start, i + 1);
            }

            var first = end;
            Workers.For(first, rows.Length, i => Reduce(rows, i, start, end));
        }
    }

    /// <summary>Computes a row's entries of the columns from <paramref name="start"/> to <paramref name="end"/>.</summary>
    private static void Reduce(double[][] rows, int i, int start, int end)
    {
        var row = rows[i];
        for (var j = start; j < end; j++)
        {
            var rest = row[j] - PortableSums.Dot(row.AsSpan(0, j), rows[j].AsSpan(0, j));
            row[j] = i == j ? Math.Sqrt(rest) : rest / rows[j][j];
        }
    }
}
