using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Engine.Tests.Gradients.Forms;

/// <summary>Arithmetic on elements, with broadcasting.</summary>
internal static class ArithmeticForms
{
    public static IEnumerable<GradientForm> All =>
        [
            .. new[] { "Add", "Sub", "Mul" }.Select(opType => new GradientForm(opType, t => Binary(t, opType))),
            new("Mul", Square) { Variant = "of one value" },
            new("Mul", Silu) { Variant = "with its sigmoid" },
            new("Div", Quotient),
            new("Pow", Power),
            new("Pow", IntegerPower) { Variant = "with integers" },
            .. new[] { "Sum", "Mean", "Min", "Max" }.Select(opType => new GradientForm(
                opType,
                t => Variadic(t, opType)
            )),
            .. new[] { "Neg", "Abs", "Exp" }.Select(opType => new GradientForm(
                opType,
                t => t.Op(opType, t.Input(t.Draw.Shape(0, 3)))
            )),
            .. new[] { "Log", "Sqrt", "Reciprocal" }.Select(opType => new GradientForm(
                opType,
                t => t.Op(opType, t.Positive(t.Draw.Shape(0, 3)))
            )),
            new("Where", Where),
            new("Clip", Clip),
        ];

    /// <summary>Two shapes, either of which may be the one that is repeated, or both.</summary>
    public static (long[] A, long[] B) BroadcastShapes(Draw draw)
    {
        var whole = draw.Shape(0, 4);
        var (a, b) = (draw.Broadcasting(whole), draw.Broadcasting(whole));
        return draw.Whole(0, 3) switch
        {
            0 => (whole, b),
            1 => (a, whole),
            2 => (whole, whole),
            _ => (a, b),
        };
    }

    private static Value Binary(Trial t, string opType)
    {
        var (a, b) = BroadcastShapes(t.Draw);
        return t.Op(opType, t.Input(a), t.Input(b));
    }

    private static Value Square(Trial t)
    {
        var x = t.Input(t.Draw.Shape(0, 3));
        return x * x;
    }

    private static Value Silu(Trial t)
    {
        var x = t.Input(t.Draw.Shape(0, 3));
        var sigmoid = t.Op("Sigmoid", x);
        return t.Draw.Flag() ? x * sigmoid : sigmoid * x;
    }

    private static Value Quotient(Trial t)
    {
        var (a, b) = BroadcastShapes(t.Draw);
        return t.Input(a) / t.Positive(b);
    }

    private static Value Power(Trial t)
    {
        var (a, b) = BroadcastShapes(t.Draw);
        return t.Op("Pow", t.Positive(a), t.Input(b));
    }

    /// <summary>Of numbers below zero too.</summary>
    private static Value IntegerPower(Trial t) =>
        t.Op("Pow", t.Input(t.Draw.Shape(0, 3)), t.Builder.Scalar((long)t.Draw.Whole(0, 3)));

    private static Value Variadic(Trial t, string opType)
    {
        var whole = t.Draw.Shape(0, 3);
        return t.Op(
            opType,
            [
                .. Enumerable
                    .Range(0, t.Draw.Whole(1, 3))
                    .Select(i => t.Distinct(i == 0 ? whole : t.Draw.Broadcasting(whole))),
            ]
        );
    }

    private static Value Where(Trial t)
    {
        var (a, b) = BroadcastShapes(t.Draw);
        var (x, y) = (t.Distinct(a), t.Distinct(b));
        return t.Op("Where", t.Op("Greater", x, t.Builder.Scalar(0f)), x, t.Op("Exp", y));
    }

    /// <summary>Bounds that are inputs are differentiated too.</summary>
    private static Value Clip(Trial t)
    {
        var x = t.Distinct(t.Draw.Shape(0, 3));
        Value? Bound(float at) =>
            t.Draw.Whole(0, 2) switch
            {
                0 => null,
                1 => t.Builder.Scalar(at),
                _ => t.Input([], [at]),
            };

        return t.Op("Clip", x, Bound(-0.5f), Bound(0.5f));
    }
}
