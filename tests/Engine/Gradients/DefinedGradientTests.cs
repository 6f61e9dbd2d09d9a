using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Engine.Tests.Gradients.Forms;
using DiffusionQuant.Engine.Tests.Gradients.Reference;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using FsCheck;
using FsCheck.Fluent;

namespace DiffusionQuant.Engine.Tests.Gradients;

/// <summary>Operators whose gradient is defined, rather than the slope: it is what the definition says, entry by entry.</summary>
public sealed class DefinedGradientTests
{
    /// <summary>The operators that are tried here.</summary>
    internal static IEnumerable<(string Domain, string OpType)> Operators { get; } =
    [("", "Round"), (QuantizerOperators.Domain, QuantizerOperators.FakeQuantize)];

    [Fact]
    public void Rounding_passes_gradients_straight_through()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, 6);
        float[] weights = [1, -2, 3, -4, 5, -6];
        var product = b.Op("Round", x) * b.Constant(OnnxTensor.Of("", weights.AsSpan(), 6));
        b.Output(b.Op("ReduceSum", [product], ("keepdims", 0L)), "loss", ElementType.Float);
        var run = GradientRun.Of(
            b.Build(),
            new Dictionary<string, float[]> { ["x"] = [-1.4f, -0.5f, 0, 0.3f, 0.5f, 2] },
            ["x"]
        );

        Assert.Equal(weights, Array.ConvertAll(run.Gradients["x"].Values, v => (float)v));
    }

    [Fact]
    public void Learned_steps_follow_LSQ() => Check(hasOffset: false);

    [Fact]
    public void Learned_steps_and_offsets_follow_LSQ_plus() => Check(hasOffset: true);

    /// <summary>Codes of each row from 0 to a highest one of its own, and zero points that are no whole numbers.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Learned_zero_points_count_where_values_are_clipped(bool byRow)
    {
        float[] zeros = byRow ? [1.2f, 0.4f] : [2.3f];
        float[] most = byRow ? [3, 1] : [4];
        float[] steps = byRow ? [0.5f, 2] : [0.5f];
        float[] x = [-3, -0.4f, 0.2f, 0.9f, 5, -0.7f, -7, 0.3f, 2.2f, 30];
        var weights = x.Select((_, i) => (float)(i + 1)).ToArray();
        long[] dims = byRow ? [2, 1] : [];
        var graph = new OnnxGraph { Name = "quantizer" };
        graph.Inputs.Add(new("x", ElementType.Float, TensorShape.Of(2, 5)));
        graph.Inputs.Add(new("s", ElementType.Float, TensorShape.Of(dims)));
        graph.Inputs.Add(new("z", ElementType.Float, TensorShape.Of(dims)));
        graph.Add(OnnxTensor.Of("w", weights.AsSpan(), 2, 5));
        var editor = new GraphEditor(graph);
        var codes = byRow ? editor.Constant(OnnxTensor.Of("most", most.AsSpan(), dims)) : null;
        var y = QuantizerOperators.AddFakeQuantizeWithZeroPoint(editor, "x", "s", "z", (int)most[0], codes);
        editor.NodeTo("loss", "ReduceSum", [editor.Node("Mul", "weighted", [y, "w"])], ("keepdims", 0L));
        graph.Outputs.Add(new("loss", ElementType.Float, TensorShape.Scalar));
        var inputs = new Dictionary<string, float[]>
        {
            ["x"] = x,
            ["s"] = steps,
            ["z"] = zeros,
        };
        var run = GradientRun.Of(new(graph) { Opset = 17 }, inputs, ["x", "s", "z"], y);

        var (values, dx) = (new double[10], new double[10]);
        var (ds, dz) = (new double[steps.Length], new double[steps.Length]);
        for (var i = 0; i < x.Length; i++)
        {
            var row = byRow ? i / 5 : 0;
            var (ratio, zero) = ((double)x[i] / steps[row], Math.Round(zeros[row]));
            var code = Math.Clamp(Math.Round(ratio), -zero, most[row] - zero);
            var isInside = code == Math.Round(ratio);
            values[i] = code * steps[row];
            dx[i] = isInside ? weights[i] : 0;
            ds[row] += weights[i] * (isInside ? code - ratio : code);
            dz[row] -= isInside ? 0 : weights[i] * steps[row];
        }

        GradientRun.AssertClose("x̂", new([2, 5], values), run.Values[y]);
        GradientRun.AssertClose("dx", new([2, 5], dx), run.Gradients["x"]);
        GradientRun.AssertClose("ds", new(Sizes(dims), ds), run.Gradients["s"]);
        GradientRun.AssertClose("dz", new(Sizes(dims), dz), run.Gradients["z"]);
    }

    private static void Check(bool hasOffset) =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed => Check(new Draw(seed, 4), hasOffset))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(40).WithReplay(1, 1));

    private static void Check(Draw draw, bool hasOffset)
    {
        var dims = draw.Shape(0, 3);
        var scaleDims = draw.Broadcasting(dims);
        var (zero, most, factor) = (draw.Whole(0, 4), draw.Whole(5, 9), (float)draw.Real(0.1, 2));
        var offset = hasOffset ? 0.3f : 0;
        var scales = new NdArray(
            Sizes(scaleDims),
            [.. Enumerable.Range(0, (int)Trial.Count(scaleDims)).Select(_ => draw.Real(0.2, 1))]
        );

        // Away from ties, where float32 may round to the other side.
        var ratios = NdArray.Of(Sizes(dims), _ => draw.Whole(-9, 9) + draw.Real(-0.4, 0.4));
        var x = NdArray.Of(Sizes(dims), p => (ratios[p] * scales.Broadcast(p)) + offset);
        var weights = NdArray.Of(Sizes(dims), _ => draw.Real(-1, 1));
        var inputs = new Dictionary<string, float[]> { ["x"] = Floats(x), ["s"] = Floats(scales) };
        string[] wanted = ["x", "s"];
        var graph = new OnnxGraph { Name = "quantizer" };
        graph.Inputs.Add(new("x", ElementType.Float, TensorShape.Of(dims)));
        graph.Inputs.Add(new("s", ElementType.Float, TensorShape.Of(scaleDims)));
        graph.Add(OnnxTensor.Of("w", Floats(weights), dims));
        var editor = new GraphEditor(graph);
        string y;
        if (hasOffset)
        {
            inputs["beta"] = [offset];
            wanted = [.. wanted, "beta"];
            graph.Inputs.Add(new("beta", ElementType.Float, TensorShape.Scalar));
            y = QuantizerOperators.AddFakeQuantizeWithOffset(editor, "x", "s", "beta", -zero, most - zero, factor);
        }
        else
        {
            y = QuantizerOperators.AddFakeQuantize(editor, "x", "s", zero, most, factor);
        }

        editor.NodeTo("loss", "ReduceSum", [editor.Node("Mul", "weighted", [y, "w"])], ("keepdims", 0L));
        graph.Outputs.Add(new("loss", ElementType.Float, TensorShape.Scalar));
        var run = GradientRun.Of(new(graph) { Opset = 17 }, inputs, wanted, y);

        GradientRun.AssertClose("x̂", NdArray.Of(x.Dims, p => (scales.Broadcast(p) * Code(p)) + offset), run.Values[y]);
        GradientRun.AssertClose("dx", NdArray.Of(x.Dims, p => IsInside(p) ? weights[p] : 0), run.Gradients["x"]);
        GradientRun.AssertClose("ds", Step(), run.Gradients["s"]);
        if (hasOffset)
        {
            var sum = NdArray.Places(x.Dims).Sum(p => IsInside(p) ? 0 : weights[p]);
            GradientRun.AssertClose("dβ", new([], [sum]), run.Gradients["beta"]);
        }

        double Code(int[] p) => Math.Clamp(Math.Round(ratios[p]), -zero, most - zero);

        bool IsInside(int[] p) => Code(p) == Math.Round(ratios[p]);

        NdArray Step()
        {
            var sums = new NdArray(scales.Dims, new double[scales.Values.Length]);
            foreach (var p in NdArray.Places(x.Dims))
            {
                var slope = IsInside(p) ? Code(p) - ratios[p] : Code(p);
                sums.Values[sums.BroadcastOffset(p)] += factor * weights[p] * slope;
            }

            return sums;
        }
    }

    private static int[] Sizes(long[] dims) => Array.ConvertAll(dims, d => (int)d);

    private static float[] Floats(NdArray array) => Array.ConvertAll(array.Values, v => (float)v);
}
