namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>Matrix products.</summary>
internal static class MatrixRules
{
    public static void AddTo(RuleTable rules)
    {
        rules.Add("MatMul", c => Multiply(c, c.Type(0), c.Shape(0), c.Shape(1)));
        rules.Add("MatMulInteger", c => Multiply(c, ElementType.Int32, c.Shape(0), c.Shape(1)));
        rules.Add("QLinearMatMul", c => Multiply(c, c.Type(7), c.Shape(0), c.Shape(3)));
        rules.Add("Gemm", Gemm);
        rules.Add("Einsum", EinsumRule.Apply);
        rules.AddMicrosoft("FusedMatMul", Fused);
        rules.AddMicrosoft("TransposeMatMul", Fused);
        rules.AddMicrosoft("MatMulIntegerToFloat", c => Multiply(c, c.Type(2), c.Shape(0), c.Shape(1)));
        rules.AddMicrosoft("DynamicQuantizeMatMul", c => Multiply(c, c.Type(0), c.Shape(0), c.Shape(1)));
        rules.AddMicrosoft("MatMulNBits", PackedWeight);
        rules.AddMicrosoft("MatMulBnb4", PackedWeight);
        rules.AddMicrosoft("GemmFastGelu", c => Multiply(c, c.Type(0), c.Shape(0), c.Shape(1)));
        rules.AddMicrosoft("FusedGemm", Gemm);
    }

    private static void Multiply(RuleContext c, ElementType type, TensorShape? a, TensorShape? b)
    {
        c.Set(0, type, null);
        if (a is not null && b is not null)
        {
            c.Set(0, type, Multiply(a, b));
        }
    }

    /// <summary>The shape of numpy's <c>matmul</c>.</summary>
    private static TensorShape Multiply(TensorShape a, TensorShape b)
    {
        if (a.Rank == 0 || b.Rank == 0)
        {
            throw new ShapeConflictException("A scalar is no matrix.");
        }

        var inner = a[^1];
        var other = b.Rank == 1 ? b[0] : b[^2];
        if (inner.Value is { } x && other.Value is { } y && x != y)
        {
            throw new ShapeConflictException($"{a} and {b} cannot be multiplied.");
        }

        var batch = ShapeArithmetic.Broadcast(new(a.SkipLast(2)), new TensorShape(b.SkipLast(2)))!;
        IEnumerable<Dimension> rows = a.Rank == 1 ? [] : [a[^2]];
        IEnumerable<Dimension> columns = b.Rank == 1 ? [] : [b[^1]];
        return [.. batch, .. rows, .. columns];
    }

    private static void Gemm(RuleContext c)
    {
        var rows = c.Shape(0) is { Rank: 2 } a ? a[c.Node.Int("transA") != 0 ? 1 : 0] : Dimension.Unknown;
        var columns = c.Shape(1) is { Rank: 2 } b ? b[c.Node.Int("transB") != 0 ? 0 : 1] : Dimension.Unknown;
        c.Set(0, c.Type(0), [rows, columns]);
    }

    private static void Fused(RuleContext c) =>
        Multiply(
            c,
            c.Type(0),
            Swap(c.Shape(0), c.Node.Int("transA") != 0, c.Node.Int("transBatchA") != 0),
            Swap(c.Shape(1), c.Node.Int("transB") != 0, c.Node.Int("transBatchB") != 0)
        );

    /// <summary>
    /// The shape that FusedMatMul multiplies: <c>transBatch</c> moves the first dimension behind the other batch
    /// dimensions and the row dimension to the front of what is multiplied, <c>trans</c> swaps the last two.
    /// </summary>
    private static TensorShape? Swap(TensorShape? shape, bool last, bool batch)
    {
        if (shape is null || shape.Rank < 2)
        {
            return shape;
        }

        var dims = shape.ToList();
        if (batch && dims.Count > 2)
        {
            var first = dims[0];
            dims.RemoveAt(0);
            dims.Insert(dims.Count - 1, first);
        }

        if (last)
        {
            (dims[^1], dims[^2]) = (dims[^2], dims[^1]);
        }

        return new(dims);
    }

    private static void PackedWeight(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        if (c.Shape(0) is { Rank: > 0 } a)
        {
            c.Set(0, c.Type(0), a.With(a.Rank - 1, c.Node.Int("N")));
        }
    }
}
