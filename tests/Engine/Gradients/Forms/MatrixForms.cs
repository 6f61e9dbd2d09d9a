using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Engine.Tests.Gradients.Forms;

/// <summary>Matrix products.</summary>
internal static class MatrixForms
{
    public static IEnumerable<GradientForm> All =>
        [
            new("MatMul", MatMul),
            new("Gemm", Gemm),
            new("FusedMatMul", Fused) { Domain = "com.microsoft" },
            new("Einsum", Einsum),
        ];

    /// <summary>Matrices, batches that are repeated, and vectors on either side.</summary>
    private static Value MatMul(Trial t)
    {
        var (rows, inner, columns) = (t.Draw.Size(), t.Draw.Size(), t.Draw.Size());
        var (a, b) = ArithmeticForms.BroadcastShapes(t.Draw);
        a = [.. a.TakeLast(2), rows, inner];
        b = [.. b.TakeLast(2), inner, columns];
        return t.Draw.Whole(0, 5) switch
        {
            0 => t.Op("MatMul", t.Input(inner), t.Input(b)),
            1 => t.Op("MatMul", t.Input(a), t.Input(inner)),
            2 => t.Op("MatMul", t.Input(a), t.Input(inner, columns)),
            _ => t.Op("MatMul", t.Input(a), t.Input(b)),
        };
    }

    private static Value Fused(Trial t)
    {
        var (rows, inner, columns) = (t.Draw.Size(), t.Draw.Size(), t.Draw.Size());
        var (transA, transB) = (t.Draw.Flag(), t.Draw.Flag());
        var (a, b) = ArithmeticForms.BroadcastShapes(t.Draw);
        a = [.. a.TakeLast(2), transA ? inner : rows, transA ? rows : inner];
        b = [.. b.TakeLast(2), transB ? columns : inner, transB ? inner : columns];
        return t.Microsoft(
            "FusedMatMul",
            [t.Input(a), t.Input(b)],
            ("transA", transA ? 1L : 0L),
            ("transB", transB ? 1L : 0L),
            ("alpha", (float)t.Draw.Real(0.5, 2))
        );
    }

    private static Value Gemm(Trial t)
    {
        var (rows, inner, columns) = (t.Draw.Size(), t.Draw.Size(), t.Draw.Size());
        var (transA, transB) = (t.Draw.Flag(), t.Draw.Flag());
        var attributes = new List<(string, AttributeValue)>
        {
            ("transA", transA ? 1L : 0L),
            ("transB", transB ? 1L : 0L),
        };
        if (t.Draw.Flag())
        {
            attributes.Add(("alpha", (float)t.Draw.Real(0.5, 2)));
            attributes.Add(("beta", (float)t.Draw.Real(0.5, 2)));
        }

        var a = transA ? t.Input(inner, rows) : t.Input(rows, inner);
        var b = transB ? t.Input(columns, inner) : t.Input(inner, columns);
        return t.Draw.Flag()
            ? t.Op("Gemm", [a, b], [.. attributes])
            : t.Op("Gemm", [a, b, t.Input(t.Draw.Broadcasting([rows, columns]))], [.. attributes]);
    }

    private static Value Einsum(Trial t)
    {
        var equation = t.Draw.Pick(
            "b i d, b j d -> b i j",
            "bhid,bhjd->bhij",
            "bhij,bhjd->bhid",
            "ab,bc->ac",
            "ab,cb->ca",
            "i,j->ij",
            "abc,abc->abc",
            "abc,b->ca",
            "abc->cab"
        );
        var terms = equation.Replace(" ", "", StringComparison.Ordinal).Split("->")[0].Split(',');
        var sizes = string.Concat(terms).Distinct().ToDictionary(l => l, _ => t.Draw.Size());
        var operands = terms.Select(term => (Value?)t.Input([.. term.Select(l => sizes[l])])).ToArray();
        return t.Op("Einsum", operands, ("equation", equation));
    }
}
