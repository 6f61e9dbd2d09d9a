using static DiffusionQuant.Onnx.ShapeInference.ShapeArithmetic;

namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>Operators that work element by element: the output has the broadcast shape of the inputs.</summary>
internal static class ElementwiseRules
{
    private static readonly string[] Unary =
    [
        "Acos",
        "Acosh",
        "Asin",
        "Asinh",
        "Atan",
        "Atanh",
        "BitwiseNot",
        "Celu",
        "Clip",
        "Cos",
        "Cosh",
        "CumSum",
        "Elu",
        "Erf",
        "Exp",
        "Gelu",
        "HardSigmoid",
        "HardSwish",
        "Hardmax",
        "Identity",
        "LeakyRelu",
        "Log",
        "LogSoftmax",
        "LRN",
        "LpNormalization",
        "MeanVarianceNormalization",
        "Mish",
        "Not",
        "PRelu",
        "Reciprocal",
        "Relu",
        "Selu",
        "Shrink",
        "Sigmoid",
        "Sign",
        "Sin",
        "Sinh",
        "Softmax",
        "Softplus",
        "Softsign",
        "Swish",
        "Tan",
        "Tanh",
        "ThresholdedRelu",
        "Trilu",
    ];

    private static readonly string[] Arithmetic =
    [
        "Add",
        "BitShift",
        "BitwiseAnd",
        "BitwiseOr",
        "BitwiseXor",
        "Div",
        "Max",
        "Mean",
        "Min",
        "Mod",
        "Mul",
        "Pow",
        "Sub",
        "Sum",
    ];

    private static readonly string[] Logic =
    [
        "And",
        "Equal",
        "Greater",
        "GreaterOrEqual",
        "Less",
        "LessOrEqual",
        "Or",
        "Xor",
    ];

    public static void AddTo(RuleTable rules)
    {
        foreach (var opType in Unary)
        {
            rules.Add(opType, opType == "Identity" ? Keep : c => c.SetLike(0, 0));
        }

        AddMapped(rules, "Abs", e => e.MapKeepingSizes(Math.Abs));
        AddMapped(rules, "Ceil", e => e.MapKeepingSizes(Math.Ceiling));
        AddMapped(rules, "Floor", e => e.MapKeepingSizes(Math.Floor));
        AddMapped(rules, "Neg", e => e.Map(v => -v));
        AddMapped(rules, "Round", e => e.MapKeepingSizes(v => Math.Round(v, MidpointRounding.ToEven)));
        AddMapped(rules, "Sqrt", e => e.Map(Math.Sqrt));
        foreach (var opType in Arithmetic)
        {
            rules.Add(opType, c => Variadic(c, c.Type(0)));
        }

        foreach (var opType in Logic)
        {
            rules.Add(opType, c => Variadic(c, ElementType.Bool));
        }

        rules.Add("IsInf", c => c.Set(0, ElementType.Bool, c.Shape(0)));
        rules.Add("IsNaN", c => c.Set(0, ElementType.Bool, c.Shape(0)));
        rules.Add("Cast", c => Cast(c, c.TypeOf("to", ElementType.Undefined)));
        rules.Add("CastLike", c => Cast(c, c.Type(1)));
        rules.Add("Where", Where);
        rules.Add("Dropout", Dropout);
    }

    private static void AddMapped(RuleTable rules, string opType, Func<Term, Term> function) =>
        rules.Add(opType, c => c.Set(0, c.Type(0), c.Shape(0), c.Elements(0)?.Select(function).ToArray()));

    private static void Keep(RuleContext c) => c.Set(0, c.Type(0), c.Shape(0), c.Elements(0));

    private static void Variadic(RuleContext c, ElementType type)
    {
        c.Set(0, type, null);
        var shape = Broadcast(Enumerable.Range(0, c.InputCount).Select(c.Shape));
        IReadOnlyList<Term>? elements = null;
        if (c.InputCount == 2 && Align(c.Elements(0), c.Elements(1), shape) is var (a, b))
        {
            var integers = c.Type(0).IsInteger();
            elements = [.. a.Zip(b, (x, y) => Term.Apply(c.Node.OpType, x, y, integers))];
        }

        c.Set(0, type, shape, elements);
    }

    /// <summary>Two lists of elements repeated to the same length, if that is what broadcasting does to them.</summary>
    private static (IReadOnlyList<Term> A, IReadOnlyList<Term> B)? Align(
        IReadOnlyList<Term>? a,
        IReadOnlyList<Term>? b,
        TensorShape? shape
    )
    {
        if (a is null || b is null || shape is null || ValueFacts.SmallCount(shape) is not { } count)
        {
            return null;
        }

        IReadOnlyList<Term>? Repeat(IReadOnlyList<Term> list) =>
            list.Count == count ? list
            : list.Count == 1 ? [.. Enumerable.Repeat(list[0], count)]
            : null;

        return Repeat(a) is { } x && Repeat(b) is { } y ? (x, y) : null;
    }

    private static void Cast(RuleContext c, ElementType to)
    {
        Func<Term, Term> convert =
            to == ElementType.Bool ? e => e.Map(v => v != 0 ? 1 : 0)
            : to.IsInteger() ? e => e.MapKeepingSizes(Math.Truncate)
            : e => e;
        c.Set(0, to, c.Shape(0), c.Elements(0)?.Select(convert).ToArray());
    }

    private static void Where(RuleContext c)
    {
        c.Set(0, c.Type(1), null);
        var shape = Broadcast(c.Shape(0), c.Shape(1), c.Shape(2));
        IReadOnlyList<Term>? elements = null;
        if (Align(c.Elements(1), c.Elements(2), shape) is var (a, b) && Align(c.Elements(0), a, shape) is var (when, _))
        {
            elements =
            [
                .. when.Select(
                    (w, i) =>
                        w.Number is { } number ? (number != 0 ? a[i] : b[i])
                        : a[i] == b[i] ? a[i]
                        : Term.Unknown
                ),
            ];
        }

        c.Set(0, c.Type(1), shape, elements);
    }

    private static void Dropout(RuleContext c)
    {
        Keep(c);
        c.Set(1, ElementType.Bool, c.Shape(0));
    }
}
