using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Engine.Tests.Gradients.Forms;

/// <summary>Reductions along axes.</summary>
internal static class ReductionForms
{
    public static IEnumerable<GradientForm> All =>
        [
            .. new[]
            {
                "ReduceSum",
                "ReduceMean",
                "ReduceSumSquare",
                "ReduceL1",
                "ReduceL2",
                "ReduceLogSumExp",
                "ReduceProd",
            }.Select(o => Form(o, (t, dims) => t.Input(dims))),
            Form("ReduceLogSum", (t, dims) => t.Positive(dims)),
            .. new[] { "ReduceMax", "ReduceMin" }.Select(o => Form(o, (t, dims) => t.Distinct(dims))),
            Form("ReduceProd", WithZeros) with
            {
                Variant = "with zeros",
            },
        ];

    private static GradientForm Form(string opType, Func<Trial, long[], Value> input) =>
        new(
            opType,
            t =>
            {
                var dims = t.Draw.Shape(1, 4);
                return Reduced(t, opType, input(t, dims), dims.Length);
            }
        );

    private static Value WithZeros(Trial t, long[] dims) =>
        t.Input(dims, [.. t.Draw.Numbers(Trial.Count(dims)).Select(v => t.Draw.Whole(0, 3) == 0 ? 0 : v)]);

    /// <summary>Axes as the opset wants them, none at all, or an empty list that says to do nothing.</summary>
    private static Value Reduced(Trial t, string opType, Value x, int rank)
    {
        var attributes = new List<(string, AttributeValue)>();
        if (t.Draw.Flag())
        {
            attributes.Add(("keepdims", t.Draw.Whole(0, 1)));
        }

        var hasInput = t.Builder.Opset >= (opType == "ReduceSum" ? 13 : 18);
        if (hasInput && t.Draw.Whole(0, 5) == 0)
        {
            return t.Op(opType, [x, t.Integers()], [.. attributes, ("noop_with_empty_axes", 1L)]);
        }

        if (t.Draw.Whole(0, 3) == 0)
        {
            return t.Op(opType, [x], [.. attributes]);
        }

        var axes = t.Draw.Axes(rank);
        return hasInput
            ? t.Op(opType, [x, t.Integers(axes)], [.. attributes])
            : t.Op(opType, [x], [.. attributes, ("axes", axes)]);
    }
}
