using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Engine.Tests.Gradients.Forms;

/// <summary>Normalisations. Each is over four elements at least: fewer have hardly a slope besides rounding.</summary>
internal static class NormalizationForms
{
    public static IEnumerable<GradientForm> All =>
        [
            new("InstanceNormalization", Instance),
            new("InstanceNormalization", Plain) { Variant = "without scale" },
            new("LayerNormalization", t => Layer(t, "LayerNormalization")) { Opset = 17 },
            new("SimplifiedLayerNormalization", t => Layer(t, "SimplifiedLayerNormalization")),
            new("RMSNormalization", t => Layer(t, "RMSNormalization")) { Opset = 23 },
            new("BatchNormalization", Batch) { Opset = 15 },
            new("SkipLayerNormalization", t => Skip(t, isCentred: true)) { Domain = "com.microsoft" },
            new("SkipSimplifiedLayerNormalization", t => Skip(t, isCentred: false)) { Domain = "com.microsoft" },
            new("GroupNormalization", Group) { Opset = 18 },
        ];

    private static (string, AttributeValue)[] Epsilon(Draw draw) =>
        draw.Flag() ? [] : [("epsilon", (float)draw.Real(1e-6, 1e-2))];

    private static long[] Image(Draw draw) => draw.Flag() ? [draw.Size(4)] : [draw.Size(2), draw.Size(2)];

    private static Value Instance(Trial t)
    {
        var channels = t.Draw.Size();
        var x = t.Input([t.Draw.Size(), channels, .. Image(t.Draw)]);
        return t.Op("InstanceNormalization", [x, t.Input(channels), t.Input(channels)], Epsilon(t.Draw));
    }

    /// <summary>As exporters write a group normalisation: constants of ones and zeros.</summary>
    private static Value Plain(Trial t)
    {
        var groups = t.Draw.Size();
        var ones = t.Floats([.. Enumerable.Repeat(1f, (int)groups)]);
        var zeros = t.Floats(new float[groups]);
        var x = t.Input(t.Draw.Size(), groups, t.Draw.Size(4));
        return t.Op("InstanceNormalization", [x, ones, zeros], Epsilon(t.Draw));
    }

    private static Value Layer(Trial t, string opType)
    {
        long[] kept = t.Draw.Shape(0, 2);
        long[] scale = Image(t.Draw);
        long[] dims = [.. kept, .. scale];
        var attributes =
            (ReadOnlySpan<(string, AttributeValue)>)
                [.. Epsilon(t.Draw), ("axis", (long)(t.Draw.Flag() ? kept.Length : -scale.Length))];
        return opType != "LayerNormalization" || t.Draw.Whole(0, 2) == 0
            ? t.Op(opType, [t.Input(dims), t.Input(scale)], attributes)
            : t.Op(opType, [t.Input(dims), t.Input(scale), t.Input(scale)], attributes);
    }

    private static Value Group(Trial t)
    {
        var (groups, perGroup) = (t.Draw.Size(), t.Draw.Size());
        var entries = t.Builder.Opset < 21 ? groups : groups * perGroup;
        var x = t.Input([t.Draw.Whole(1, 2), groups * perGroup, .. Image(t.Draw)]);
        return t.Op(
            "GroupNormalization",
            [x, t.Input(entries), t.Input(entries)],
            [.. Epsilon(t.Draw), ("num_groups", groups)]
        );
    }

    private static Value Batch(Trial t)
    {
        var channels = t.Draw.Size();
        var x = t.Input([t.Draw.Size(), channels, .. Image(t.Draw)]);
        return t.Op(
            "BatchNormalization",
            [x, t.Input(channels), t.Input(channels), t.Input(channels), t.Positive(channels)],
            Epsilon(t.Draw)
        );
    }

    /// <summary>The loss may depend on the normalized sum, on the sum, or on both.</summary>
    private static Value[] Skip(Trial t, bool isCentred)
    {
        long[] dims = [t.Draw.Size(), t.Draw.Size(), t.Draw.Size(4)];
        Value? Optional() => t.Draw.Flag() ? t.Input(dims[^1]) : null;
        var (x, skip, scale) = (t.Input(dims), t.Input(dims), t.Input(dims[^1]));
        Value?[] inputs = isCentred ? [x, skip, scale, Optional(), Optional()] : [x, skip, scale, Optional()];
        var opType = isCentred ? "SkipLayerNormalization" : "SkipSimplifiedLayerNormalization";
        var outputs = t.Builder.Node(opType, inputs, t.Draw.Pick(1, 4), Epsilon(t.Draw), "com.microsoft");
        return outputs.Count == 1 ? [outputs[0]]
            : t.Draw.Flag() ? [outputs[0], outputs[3]]
            : [outputs[3]];
    }
}
