namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>Operators that move or repeat elements.</summary>
internal static class RearrangingRules
{
    public static void AddTo(RuleTable rules)
    {
        rules.Add("Transpose", Transpose);
        rules.Add("Tile", Tile);
        rules.Add("DepthToSpace", c => MoveBlocks(c, c.Node.Int("blocksize"), toSpace: true));
        rules.Add("SpaceToDepth", c => MoveBlocks(c, c.Node.Int("blocksize"), toSpace: false));
        rules.Add("ReverseSequence", c => c.SetLike(0, 0));
    }

    private static void Transpose(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        if (c.Shape(0) is not { } shape)
        {
            c.Set(0, c.Type(0), c.Node.Ints("perm") is { } p ? ShapeArithmetic.OfRank(p.Count) : null);
            return;
        }

        var perm = c.Node.Ints("perm") ?? [.. Enumerable.Range(0, shape.Rank).Reverse().Select(i => (long)i)];
        if (perm.Count != shape.Rank || perm.Any(p => p < 0 || p >= shape.Rank) || perm.Distinct().Count() < perm.Count)
        {
            throw new ShapeConflictException($"The permutation does not fit {shape}.");
        }

        // With one dimension that is not 1, transposing moves nothing.
        var elements = shape.Count(d => d.Value != 1) <= 1 ? c.Elements(0) : null;
        c.Set(0, c.Type(0), new(perm.Select(p => shape[(int)p])), elements);
    }

    private static void Tile(RuleContext c)
    {
        c.Set(0, c.Type(0), null);
        if (c.Shape(0) is not { } shape)
        {
            return;
        }

        if (c.Elements(1) is not { } repeats)
        {
            c.Set(0, c.Type(0), ShapeArithmetic.OfRank(shape.Rank));
            return;
        }

        if (repeats.Count != shape.Rank)
        {
            throw new ShapeConflictException($"{repeats.Count} repetitions do not fit {shape}.");
        }

        var result = new TensorShape(shape.Zip(repeats, (d, r) => ShapeArithmetic.Product(d, r.Dimension)));
        var elements =
            shape.Rank == 1
            && c.Elements(0) is { } e
            && repeats[0].Integer is >= 0 and <= ValueFacts.MostElements and var times
            && ValueFacts.SmallCount(result) is not null
                ? Enumerable.Repeat(e, (int)times).SelectMany(x => x).ToArray()
                : null;
        c.Set(0, c.Type(0), result, elements);
    }

    private static void MoveBlocks(RuleContext c, long block, bool toSpace)
    {
        c.Set(0, c.Type(0), null);
        if (c.Shape(0) is not { Rank: 4 } shape || block <= 0)
        {
            return;
        }

        Dimension Scale(Dimension d, long factor, bool up) =>
            up ? ShapeArithmetic.Product(d, factor) : ShapeArithmetic.Quotient(d, factor);

        c.Set(
            0,
            c.Type(0),
            [
                shape[0],
                Scale(shape[1], block * block, !toSpace),
                Scale(shape[2], block, toSpace),
                Scale(shape[3], block, toSpace),
            ]
        );
    }
}
