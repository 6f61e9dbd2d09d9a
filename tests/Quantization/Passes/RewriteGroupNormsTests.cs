using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Tests.Shared;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Tests.Passes;

public class RewriteGroupNormsTests
{
    [Theory]
    [InlineData("instance", 13)]
    [InlineData("instance", 17)]
    [InlineData("instance", 18)]
    [InlineData("instance", 21)]
    [InlineData("instance-3d", 17)]
    [InlineData("instance-half", 17)]
    [InlineData("constant", 17)]
    [InlineData("swapped", 14)]
    [InlineData("plain", 17)]
    [InlineData("plain-3d", 17)]
    [InlineData("groups", 17)]
    [InlineData("inner", 17)]
    [InlineData("bare", 17)]
    [InlineData("bare-3d", 18)]
    [InlineData("operator", 18)]
    [InlineData("operator", 21)]
    [InlineData("operator-3d", 21)]
    [InlineData("means", 17)]
    [InlineData("means", 18)]
    [InlineData("means-3d", 17)]
    [InlineData("means5d", 17)]
    [InlineData("layer", 17)]
    public void EveryFormComputesTheSame(string form, long opset)
    {
        var model = GroupNormForms.Build(form, opset);
        var rewritten = model.Clone();
        NormalizeGraph.Apply(rewritten);
        Assert.Equal(1, RewriteGroupNorms.Apply(rewritten));
        GraphChecker.Check(rewritten.Graph, form);
        Assert.DoesNotContain(rewritten.Graph.Nodes, n => n.OpType.EndsWith("Normalization", StringComparison.Ordinal));

        // Far from zero mean, where the difference of mean square and squared mean loses digits.
        foreach (var offset in (float[])[0, 5])
        {
            var values = TestModels.Numbers(1, 2 * GroupNormForms.Channels * 30).Select(v => v + offset).ToArray();
            var expected = Run(model, values);
            var actual = Run(rewritten, values);
            var largest = expected.Max(Math.Abs);
            var tolerance = form.EndsWith("half", StringComparison.Ordinal) ? 2e-3f : 1e-4f;
            Assert.True(expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max() < tolerance * largest);
        }
    }

    [Theory]
    [InlineData(13, false)]
    [InlineData(17, false)]
    [InlineData(18, false)]
    [InlineData(21, false)]
    [InlineData(17, true)]
    public void WholeNetworksComputeTheSame(long opset, bool half)
    {
        var model = DdpmUNet.Build(
            TestModels.SmallUNet with
            {
                Opset = opset,
                HalfPrecision = half,
                KeepFloatImages = half,
            }
        );
        var rewritten = model.Clone();
        NormalizeGraph.Apply(rewritten);
        var norms = model.Graph.Nodes.Count(n => n.Is("InstanceNormalization"));
        Assert.Equal(norms, RewriteGroupNorms.Apply(rewritten));
        GraphChecker.Check(rewritten.Graph, "network");
        var sample = TestModels.Numbers(3, 2 * 3 * 256);
        var expected = Runs.UNet(model, sample, [2, 3, 16, 16], [10, 700]);
        var actual = Runs.UNet(rewritten, sample, [2, 3, 16, 16], [10, 700]);
        var tolerance = half ? 2e-2f : 1e-4f;
        Assert.True(expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max() < tolerance * expected.Max(Math.Abs));

        Assert.Equal(0, RewriteGroupNorms.Apply(rewritten));
    }

    [Fact]
    public void WorksBehindASumThatOthersReadToo()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, "batch", GroupNormForms.Channels, 6, 5);
        var t = b.Input("t", ElementType.Float, "batch", GroupNormForms.Channels, 1, 1);
        var sum = x + t;
        long[] dims = [GroupNormForms.Channels, 1, 1];
        var y = b.GroupNorm(sum, GroupNormForms.Groups, GroupNormForms.Gamma(dims), GroupNormForms.Beta(dims));
        b.Output(y + sum, "y", ElementType.Float, "batch", GroupNormForms.Channels, 6, 5);
        var model = b.Build();
        var rewritten = model.Clone();
        NormalizeGraph.Apply(rewritten);
        Assert.Equal(1, RewriteGroupNorms.Apply(rewritten));
        Assert.Contains(rewritten.Graph.Nodes, n => n.Is("Add") && n.Inputs.Contains("t"));
        var values = TestModels.Numbers(1, 2 * GroupNormForms.Channels * 30);
        var shift = TestModels.Numbers(2, 2 * GroupNormForms.Channels);
        (string, float[], long[])[] inputs =
        [
            ("x", values, [2, GroupNormForms.Channels, 6, 5]),
            ("t", shift, [2, GroupNormForms.Channels, 1, 1]),
        ];
        var expected = Runs.Single(model, "y", inputs);
        var actual = Runs.Single(rewritten, "y", inputs);
        Assert.True(expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max() < 1e-4f * expected.Max(Math.Abs));
    }

    [Fact]
    public void LeavesOtherNormalizationsAlone()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, "batch", 7, 32);
        var ones = new float[32];
        Array.Fill(ones, 1);
        var weight = OnnxTensor.Of("", ones.AsSpan(), 32);
        var y = b.Op("LayerNormalization", x, b.Constant(weight), b.Constant(weight));
        b.Output(y, "y", ElementType.Float, "batch", 7, 32);
        var model = b.Build();
        NormalizeGraph.Apply(model);
        var before = GraphText.Print(model.Graph);
        Assert.Equal(0, RewriteGroupNorms.Apply(model));
        Assert.Equal(before, GraphText.Print(model.Graph));
    }

    [Fact]
    public void Graph()
    {
        var model = GroupNormForms.Build("instance");
        NormalizeGraph.Apply(model);
        RewriteGroupNorms.Apply(model);
        Snapshot.Verify(GraphText.Print(model.Graph));
    }

    private static float[] Run(OnnxModel model, float[] values)
    {
        var type = model.Graph.Inputs[0].ElementType;
        var dims = model.Graph.Inputs[0].Shape!.Select(d => d.Value ?? 2).ToArray();
        using var session = ModelSession.Load(model);
        using var x =
            type == ElementType.Float
                ? Tensors.Of(values, dims)
                : OrtValue.CreateTensorValueFromMemory(
                    Array
                        .ConvertAll(values, v => BitConverter.Int16BitsToHalf(BitConverter.HalfToInt16Bits((Half)v)))
                        .Select(h => new Float16(BitConverter.HalfToUInt16Bits(h)))
                        .ToArray(),
                    dims
                );
        using var outputs = session.Run(new Dictionary<string, OrtValue> { ["x"] = x }, ["y"]);
        return Tensors.ToFloats(outputs["y"]);
    }
}
