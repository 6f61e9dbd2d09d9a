using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Engine.Tests.Gradients.Forms;

/// <summary>Activation functions.</summary>
internal static class ActivationForms
{
    public static IEnumerable<GradientForm> All =>
        [
            .. new[] { "Sigmoid", "Tanh", "Relu", "Erf", "Softplus", "Softsign" }.Select(o => new GradientForm(
                o,
                t => Plain(t, o)
            )),
            .. new[] { "LeakyRelu", "Elu", "Selu", "Celu" }.Select(o => new GradientForm(o, t => WithAlpha(t, o))),
            new("Mish", t => Plain(t, "Mish")) { Opset = 18 },
            new("Gelu", Gelu) { Opset = 20 },
            new("HardSigmoid", HardSigmoid),
            new("HardSwish", HardSwish) { Opset = 14 },
            new("PRelu", PRelu),
            new("ThresholdedRelu", t => t.Op("ThresholdedRelu", [t.Distinct(t.Draw.Shape(0, 3))], ("alpha", 0.25f))),
            .. new[] { "Gelu", "BiasGelu", "FastGelu", "QuickGelu" }.Select(o => new GradientForm(
                o,
                t => Microsoft(t, o)
            )
            {
                Domain = "com.microsoft",
            }),
            .. new[] { "Softmax", "LogSoftmax" }.Select(o => new GradientForm(o, t => AlongAxis(t, o))),
        ];

    private static Value Plain(Trial t, string opType) => t.Op(opType, t.Input(t.Draw.Shape(0, 3)));

    private static Value WithAlpha(Trial t, string opType)
    {
        var x = t.Input(t.Draw.Shape(0, 3));
        return t.Draw.Flag() ? t.Op(opType, x) : t.Op(opType, [x], ("alpha", (float)t.Draw.Real(0.1, 2)));
    }

    private static Value Gelu(Trial t)
    {
        var x = t.Input(t.Draw.Shape(0, 3));
        return t.Draw.Flag() ? t.Op("Gelu", x) : t.Op("Gelu", [x], ("approximate", t.Draw.Pick("none", "tanh")));
    }

    /// <summary>It bends at ±1/2, which these numbers keep away from.</summary>
    private static Value HardSigmoid(Trial t) =>
        t.Op("HardSigmoid", [t.Distinct(t.Draw.Shape(0, 3))], ("alpha", 1f), ("beta", 0.5f));

    private static Value HardSwish(Trial t)
    {
        var x = t.Distinct(t.Draw.Shape(0, 3));
        return t.Op("HardSwish", x * t.Builder.Scalar(4f));
    }

    private static Value PRelu(Trial t)
    {
        var dims = t.Draw.Shape(0, 4);
        return t.Op("PRelu", t.Input(dims), t.Input(t.Draw.Broadcasting(dims)));
    }

    /// <summary>Those with a bias, which FastGelu may leave out.</summary>
    private static Value Microsoft(Trial t, string opType)
    {
        var dims = t.Draw.Shape(1, 3);
        return opType switch
        {
            "BiasGelu" => t.Microsoft(opType, [t.Input(dims), t.Input(dims[^1])]),
            "FastGelu" when t.Draw.Flag() => t.Microsoft(opType, [t.Input(dims), t.Input(dims[^1])]),
            "QuickGelu" when t.Draw.Flag() => t.Microsoft(opType, [t.Input(dims)], ("alpha", 1.3f)),
            _ => t.Microsoft(opType, [t.Input(dims)]),
        };
    }

    private static Value AlongAxis(Trial t, string opType)
    {
        var dims = t.Draw.Shape(1, 4);
        var x = t.Input(dims);
        return t.Draw.Whole(0, 3) == 0 ? t.Op(opType, x) : t.Op(opType, [x], ("axis", t.Draw.Axis(dims.Length)));
    }
}
