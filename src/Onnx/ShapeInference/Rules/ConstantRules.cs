namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>Operators that make values of shapes, of constants, or from nothing.</summary>
internal static class ConstantRules
{
    public static void AddTo(RuleTable rules)
    {
        rules.Add("Constant", Constant);
        rules.Add("ConstantOfShape", Filled);
        rules.Add("Range", Range);
        rules.Add("Shape", ShapeOf);
        rules.Add("Size", SizeOf);
        rules.Add("SequenceLength", c => c.Set(0, ElementType.Int64, TensorShape.Scalar));
        rules.Add("EyeLike", c => c.Set(0, c.TypeOf("dtype", c.Type(0)), c.Shape(0)));
        foreach (var opType in (string[])["RandomNormalLike", "RandomUniformLike", "Bernoulli"])
        {
            rules.Add(opType, c => c.Set(0, c.TypeOf("dtype", c.Type(0)), c.Shape(0)));
        }

        foreach (var opType in (string[])["RandomNormal", "RandomUniform"])
        {
            rules.Add(
                opType,
                c =>
                    c.Set(
                        0,
                        c.TypeOf("dtype", ElementType.Float),
                        new((c.Node.Ints("shape") ?? []).Select(Dimension.Of))
                    )
            );
        }

        rules.Add(
            "Multinomial",
            c =>
                c.Set(
                    0,
                    c.TypeOf("dtype", ElementType.Int32),
                    [c.Shape(0) is { Rank: 2 } s ? s[0] : Dimension.Unknown, c.Node.Int("sample_size", 1)]
                )
        );
    }

    private static void Constant(RuleContext c)
    {
        if (GraphEdits.ConstantValue(c.Node) is { } tensor)
        {
            var facts = ValueFacts.Of(tensor);
            c.Set(0, facts.Type, facts.Shape, facts.Elements);
        }
    }

    private static void Filled(RuleContext c)
    {
        var value = (c.Node.Attributes.GetValueOrDefault("value") as AttributeValue.Tensor)?.Value;
        var type = value?.ElementType ?? ElementType.Float;
        c.Set(0, type, null);
        if (ReshapingRules.Target(c, 0) is not { } target)
        {
            return;
        }

        var shape = new TensorShape(target.Select(t => t.Dimension));
        Term element =
            value is null ? 0
            : ValueFacts.Of(value).Elements is [var only] ? only
            : Term.Unknown;
        var elements = ValueFacts.SmallCount(shape) is { } count ? Enumerable.Repeat(element, count).ToArray() : null;
        c.Set(0, type, shape, elements);
    }

    private static void Range(RuleContext c)
    {
        c.Set(0, c.Type(0), ShapeArithmetic.OfRank(1));
        if (c.Elements(0) is not [var start] || c.Elements(1) is not [var limit] || c.Elements(2) is not [var step])
        {
            return;
        }

        if (start.Number is { } s && limit.Number is { } l && step.Number is { } d && d != 0)
        {
            var count = Math.Max(0, Math.Ceiling((l - s) / d));
            var elements =
                count <= ValueFacts.MostElements
                    ? Enumerable.Range(0, (int)count).Select(i => (Term)(s + (i * d))).ToArray()
                    : null;
            c.Set(0, c.Type(0), [((Term)count).Dimension], elements);
        }
        else if (start.Number == 0 && step.Number == 1)
        {
            c.Set(0, c.Type(0), [limit.Dimension]);
        }
    }

    private static void ShapeOf(RuleContext c)
    {
        c.Set(0, ElementType.Int64, ShapeArithmetic.OfRank(1));
        if (c.Shape(0) is { } shape)
        {
            var start = Bound(c.Node.Int("start"), shape.Rank);
            var end = Bound(c.Node.Int("end", shape.Rank), shape.Rank);
            var part = shape.Skip(start).Take(Math.Max(0, end - start)).Select(d => (Term)d).ToArray();
            c.Set(0, ElementType.Int64, TensorShape.Of(part.Length), part);
        }
    }

    private static int Bound(long index, int rank) => (int)Math.Clamp(index < 0 ? index + rank : index, 0, rank);

    private static void SizeOf(RuleContext c) =>
        c.Set(
            0,
            ElementType.Int64,
            TensorShape.Scalar,
            c.Shape(0) is { } shape ? [(Term)ShapeArithmetic.Product(shape)] : null
        );
}
