using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Quantization.Tests.Passes;

/// <summary>One group normalization in the forms of different exporters: input <c>x</c>, output <c>y</c>.</summary>
internal static class GroupNormForms
{
    public const int Channels = 24;
    public const int Groups = 4;
    public const float Epsilon = 1e-3f;

    public static OnnxTensor Gamma(params long[] dims) =>
        OnnxTensor.Of("", TestModels.Numbers(5, Channels).AsSpan(), dims);

    public static OnnxTensor Beta(params long[] dims) =>
        OnnxTensor.Of("", TestModels.Numbers(6, Channels).AsSpan(), dims);

    /// <summary>A form by its name, as [batch,24,6,5] or, for "3d", [batch,24,30].</summary>
    public static OnnxModel Build(string form, long opset = 17)
    {
        var flat = form.EndsWith("3d", StringComparison.Ordinal);
        var half = form.EndsWith("half", StringComparison.Ordinal);
        var b = new GraphBuilder("norm", opset);
        var type = half ? ElementType.Float16 : ElementType.Float;
        var x = flat ? b.Input("x", type, "batch", Channels, 30) : b.Input("x", type, "batch", Channels, 6, 5);
        var y = form.Split('-')[0] switch
        {
            "instance" => Instance(b, half ? b.Cast(x, ElementType.Float) : x, flat),
            "constant" => Affine(b, b.Reshape(Normalize(b, b.Reshape(x, 0, Groups, -1)), 0, Channels, 6, 5), false),
            "swapped" => b.Op(
                "Add",
                b.Constant(Beta(1, Channels, 1, 1)),
                b.Op(
                    "Mul",
                    b.Constant(Gamma(1, Channels, 1, 1)),
                    Restore(b, Normalize(b, b.Reshape(x, 0, Groups, -1)), x)
                )
            ),
            "plain" => Restore(b, Normalize(b, b.Reshape(x, 0, Groups, -1)), x),
            "groups" => Restore(
                b,
                b.Op(
                    "InstanceNormalization",
                    [b.Reshape(x, 0, Groups, -1), b.Constant(Of(1, 2, 0.5f, 3)), b.Constant(Of(0, -1, 1, 0.5f))],
                    ("epsilon", Epsilon)
                ),
                x
            ),
            "inner" => b.Reshape(
                Affine(b, b.Reshape(Normalize(b, b.Reshape(x, 0, Groups, -1)), 0, Channels, -1), true),
                b.Op("Shape", x)
            ),
            "bare" => b.Op(
                "InstanceNormalization",
                [x, b.Constant(Gamma(Channels)), b.Constant(Beta(Channels))],
                ("epsilon", Epsilon)
            ),
            "operator" => b.Op(
                "GroupNormalization",
                [
                    x,
                    b.Constant(opset < 21 ? Of(1, 2, 0.5f, 3) : Gamma(Channels)),
                    b.Constant(opset < 21 ? Of(0, -1, 1, 0.5f) : Beta(Channels)),
                ],
                ("num_groups", (long)Groups),
                ("epsilon", Epsilon)
            ),
            "means" => Affine(b, Restore(b, Means(b, b.Reshape(x, 0, Groups, -1), [2], false), x), flat),
            "means5d" => Affine(
                b,
                Restore(b, Means(b, b.Reshape(x, 0, Groups, Channels / Groups, 6, 5), [2, 3, 4], true), x),
                false
            ),
            "layer" => Affine(b, Restore(b, Layer(b, b.Reshape(x, 0, Groups, -1)), x), false),
            _ => throw new ArgumentException(form),
        };
        if (half)
        {
            y = b.Cast(y, type);
        }

        b.Output(y, "y", type, flat ? ["batch", Channels, 30] : ["batch", Channels, 6, 5]);
        return b.Build();
    }

    private static OnnxTensor Of(params float[] values) => OnnxTensor.Of("", values.AsSpan(), values.Length);

    private static Value Instance(GraphBuilder b, Value x, bool flat)
    {
        long[] dims = flat ? [Channels, 1] : [Channels, 1, 1];
        return b.GroupNorm(x, Groups, Gamma(dims), Beta(dims), Epsilon);
    }

    private static Value Normalize(GraphBuilder b, Value x) =>
        b.Op(
            "InstanceNormalization",
            [x, b.Constant(Of(1, 1, 1, 1)), b.Constant(Of(0, 0, 0, 0))],
            ("epsilon", Epsilon)
        );

    private static Value Restore(GraphBuilder b, Value y, Value x) => b.Reshape(y, b.Op("Shape", x));

    private static Value Affine(GraphBuilder b, Value x, bool flat)
    {
        long[] dims = flat ? [1, Channels, 1] : [1, Channels, 1, 1];
        return (x * b.Constant(Gamma(dims))) + b.Constant(Beta(dims));
    }

    private static Value Means(GraphBuilder b, Value x, long[] axes, bool reciprocal)
    {
        var centred = b.Op("Sub", x, b.ReduceMean(x, axes));
        var squares = reciprocal ? centred * centred : b.Op("Pow", centred, b.Scalar(2f));
        var deviation = b.Op("Sqrt", b.ReduceMean(squares, axes) + b.Scalar(Epsilon));
        return reciprocal ? centred * b.Op("Reciprocal", deviation) : b.Op("Div", centred, deviation);
    }

    private static Value Layer(GraphBuilder b, Value x)
    {
        var size = Channels / Groups * 30;
        var ones = new float[size];
        Array.Fill(ones, 1);
        return b.Op(
            "LayerNormalization",
            [x, b.Constant(Of(ones)), b.Constant(Of(new float[size]))],
            ("axis", -1L),
            ("epsilon", Epsilon)
        );
    }
}
