namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>Attention and rotary embedding of ONNX, and the attention operators of ONNX Runtime.</summary>
internal static class AttentionRules
{
    public static void AddTo(RuleTable rules)
    {
        rules.Add("Attention", Attention);
        rules.Add("RotaryEmbedding", c => c.SetLike(0, 0));
        rules.AddMicrosoft("RotaryEmbedding", c => c.SetLike(0, 0));
        rules.AddMicrosoft("Attention", FusedProjections);
        rules.AddMicrosoft("MultiHeadAttention", MultiHead);
        rules.AddMicrosoft("GroupQueryAttention", c => c.SetLike(0, 0));
    }

    /// <summary>Q, K, V as [B,S,heads·size] or [B,heads,S,size]; the output is shaped like Q with V's size.</summary>
    private static void Attention(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        c.Set(1, c.Type(1), null);
        c.Set(2, c.Type(2), null);
        c.Set(3, c.Type(0), null);
        if (c.Shape(0) is not { } q || c.Shape(2) is not { } v || c.Shape(1) is not { } k)
        {
            return;
        }

        if (q.Rank != v.Rank || q.Rank != k.Rank || q.Rank is not (3 or 4))
        {
            throw new ShapeConflictException("Query, key and value differ in rank.");
        }

        Dimension queryHeads = q.Rank == 4 ? q[1] : c.Node.Int("q_num_heads");
        Dimension heads = q.Rank == 4 ? k[1] : c.Node.Int("kv_num_heads");
        var keySize = q.Rank == 4 ? k[3] : Per(k[2], heads);
        var valueSize = q.Rank == 4 ? v[3] : Per(v[2], heads);
        var output = q.Rank == 4 ? valueSize : ShapeArithmetic.Product(queryHeads, valueSize);
        c.Set(0, c.Type(0), q.With(q.Rank - 1, output));

        var total = k[q.Rank - 2];
        if (c.Has(4))
        {
            total = ShapeArithmetic.Sum(c.Shape(4) is { Rank: 4 } past ? past[2] : Dimension.Unknown, total);
        }

        c.Set(1, c.Type(1), [q[0], heads, total, keySize]);
        c.Set(2, c.Type(2), [q[0], heads, total, valueSize]);
        c.Set(3, c.Type(0), [q[0], queryHeads, q[q.Rank - 2], total]);
    }

    private static Dimension Per(Dimension whole, Dimension heads) =>
        heads.Value > 0 ? ShapeArithmetic.Quotient(whole, heads) : Dimension.Unknown;

    /// <summary>Input [B,S,K] and weight [K,3·D]: the projections are inside the operator.</summary>
    private static void FusedProjections(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        if (c.Shape(0) is { Rank: 3 } x && c.Shape(1) is { Rank: 2 } weight)
        {
            Dimension hidden = c.Node.Ints("qkv_hidden_sizes") is [_, _, var size]
                ? size
                : ShapeArithmetic.Quotient(weight[1], 3);
            c.Set(0, c.Type(0), [x[0], x[1], hidden]);
        }
    }

    /// <summary>Query [B,S,D] (or [B,S,heads,3,size] with all three packed), value [B,L,D'] or [B,heads,L,size].</summary>
    private static void MultiHead(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        if (c.Shape(0) is { Rank: 5 } packed)
        {
            c.Set(0, c.Type(0), [packed[0], packed[1], ShapeArithmetic.Product(packed[2], packed[4])]);
        }
        else if (c.Shape(0) is { Rank: 3 } query)
        {
            var hidden = c.Shape(2) switch
            {
                { Rank: 3 } v => v[2],
                { Rank: 4 } v => ShapeArithmetic.Product(v[1], v[3]),
                // Key and value packed as [B,L,heads,2,size]: sizes are those of the query.
                _ => query[2],
            };
            c.Set(0, c.Type(0), [query[0], query[1], hidden]);
        }
    }
}
