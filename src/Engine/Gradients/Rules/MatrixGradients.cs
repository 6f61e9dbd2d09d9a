namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>Matrix products.</summary>
internal static class MatrixGradients
{
    public static void AddTo(GradientRuleTable rules)
    {
        rules.Add("MatMul", MatMul);
        rules.Add("Gemm", Gemm);
        rules.Add(GradientRuleTable.Microsoft, "FusedMatMul", FusedMatMul);
    }

    /// <summary>dA = dY·Bᵀ and dB = Aᵀ·dY, summed over the dimensions that broadcasting repeated.</summary>
    private static void MatMul(GradientContext c)
    {
        var w = c.Writer;
        var (a, b) = (c.InputShape(0), c.InputShape(1));
        // Vectors take part as a matrix of one row or one column.
        long[] left = a.Length == 1 ? [1, a[0]] : a;
        long[] right = b.Length == 1 ? [b[0], 1] : b;
        var (rows, inner, columns) = (left[^2], left[^1], right[^1]);
        var batch = c.OutputShape[..(c.OutputShape.Length - (a.Length == 1 ? 0 : 1) - (b.Length == 1 ? 0 : 1))];
        var gradient = a.Length == 1 || b.Length == 1 ? w.Reshape(c.Gradient, [.. batch, rows, columns]) : c.Gradient;
        if (right.Length == 2 && batch.Length > 0)
        {
            // One matrix for a whole batch: the batch is rows.
            rows *= batch.Aggregate(1L, (x, y) => x * y);
            gradient = w.Reshape(gradient, rows, columns);
            if (c.Needs(0))
            {
                c.Give(0, w.Reshape(w.Op("Gemm", [gradient, w.Reshape(c.Node.Inputs[1], right)], ("transB", 1L)), a));
            }

            if (c.Needs(1))
            {
                var flat = w.Reshape(c.Node.Inputs[0], rows, inner);
                c.Give(1, w.Reshape(w.Op("Gemm", [flat, gradient], ("transA", 1L)), b));
            }

            return;
        }

        if (c.Needs(0))
        {
            var product = w.Op("MatMul", gradient, Transposed(c, 1, right));
            c.Give(0, w.Reshape(w.Unbroadcast(product, [.. batch, rows, inner], left), a));
        }

        if (c.Needs(1))
        {
            var product = w.Op("MatMul", Transposed(c, 0, left), gradient);
            c.Give(1, w.Reshape(w.Unbroadcast(product, [.. batch, inner, columns], right), b));
        }
    }

    private static string Transposed(GradientContext c, int input, long[] dims)
    {
        var value = c.Node.Inputs[input];
        if (c.InputShape(input).Length == 1)
        {
            return c.Writer.Reshape(value, dims[1], dims[0]);
        }

        return c.Writer.Transpose(value, LastTwoExchanged(dims.Length));
    }

    /// <summary>Y = α·A'·B' + β·C.</summary>
    private static void Gemm(GradientContext c)
    {
        var alpha = c.Node.Float("alpha", 1);
        GiveFactors(c, Product, c.Give);
        if (c.Needs(2))
        {
            var beta = c.Node.Float("beta", 1);
            c.GiveBroadcast(2, beta == 1 ? c.Gradient : c.Op("Mul", c.Gradient, c.Number(beta)));
        }

        string Product(string left, string right, long transLeft, long transRight) =>
            c.Writer.Op("Gemm", [left, right], ("transA", transLeft), ("transB", transRight), ("alpha", alpha));
    }

    /// <summary>Gemm's product for batches: Y = α·A'·B'.</summary>
    private static void FusedMatMul(GradientContext c)
    {
        if (c.Node.Int("transBatchA") != 0 || c.Node.Int("transBatchB") != 0)
        {
            throw c.Unsupported("batches that are transposed");
        }

        if (c.InputShape(0).Length < 2 || c.InputShape(1).Length < 2)
        {
            throw c.Unsupported("vectors");
        }

        GiveFactors(c, Product, Give);

        void Give(int input, string gradient)
        {
            var dims = c.InputShape(input);
            c.Give(input, c.Writer.Unbroadcast(gradient, [.. c.OutputShape[..^2], .. dims[^2..]], dims));
        }

        string Product(string left, string right, long transLeft, long transRight)
        {
            var product = c.Op("MatMul", Turned(left, transLeft), Turned(right, transRight));
            return c.Op("Mul", product, c.Number(c.Node.Float("alpha", 1)));
        }

        string Turned(string value, long isTransposed)
        {
            var rank = (value == c.Gradient ? c.OutputShape : c.Writer.ShapeOf(value)).Length;
            return isTransposed == 0 ? value : c.Writer.Transpose(value, LastTwoExchanged(rank));
        }
    }

    /// <summary>The gradients of both factors of α·A'·B', each of which may be transposed.</summary>
    private static void GiveFactors(
        GradientContext c,
        Func<string, string, long, long, string> product,
        Action<int, string> give
    )
    {
        var (a, b) = (c.Node.Inputs[0], c.Node.Inputs[1]);
        var (transA, transB) = (c.Node.Int("transA"), c.Node.Int("transB"));
        if (c.Needs(0))
        {
            give(0, transA == 0 ? product(c.Gradient, b, 0, 1 - transB) : product(b, c.Gradient, transB, 1));
        }

        if (c.Needs(1))
        {
            give(1, transB == 0 ? product(a, c.Gradient, 1 - transA, 0) : product(c.Gradient, a, 1, transA));
        }
    }

    private static long[] LastTwoExchanged(int rank) =>
        [.. Enumerable.Range(0, rank - 2).Select(i => (long)i), rank - 1, rank - 2];
}
