using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Tests.Passes;

public class SplitShortcutsTests
{
    [Fact]
    public void ConvolutionsOfJoinedChannelsBecomeSums()
    {
        var model = DdpmUNet.Build(TestModels.SmallUNet);
        NormalizeGraph.Apply(model);
        var joined = model
            .Graph.Nodes.Where(n => n.Is("Concat") && n.Int("axis") == 1)
            .SelectMany(n => n.Outputs)
            .ToHashSet();
        var shortcuts = model.Graph.Nodes.Where(n => n.Is("Conv") && joined.Contains(n.Inputs[0])).ToArray();
        Assert.NotEmpty(shortcuts);
        var split = model.Clone();
        Assert.Equal(shortcuts.Length, SplitShortcuts.Apply(split));
        GraphChecker.Check(split.Graph, "model");
        foreach (var shortcut in shortcuts)
        {
            var parts = split
                .Graph.Nodes.Where(n => n.Name.StartsWith($"{shortcut.Name}_part", StringComparison.Ordinal))
                .ToArray();
            Assert.Equal(2, parts.Length);
            Assert.Equal([3, 2], parts.Select(p => p.Inputs.Count));
            Assert.Equal(
                model.Graph.Initializers[shortcut.Inputs[1]].Dims[1],
                parts.Sum(p => split.Graph.Initializers[p.Inputs[1]].Dims[1])
            );
        }

        var sample = TestModels.Numbers(1, 2 * 3 * 256);
        var expected = Runs.UNet(model, sample, [2, 3, 16, 16], [10, 700]);
        var actual = Runs.UNet(split, sample, [2, 3, 16, 16], [10, 700]);
        Assert.True(expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max() < 1e-5f * expected.Max(Math.Abs));
        Assert.Equal(0, SplitShortcuts.Apply(split));
    }

    [Fact]
    public void WorksForAnyNumberOfPartsAndKernel()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, 1, 2, 5, 5);
        var weight = b.Parameter("w", OnnxTensor.Of("", TestModels.Numbers(1, 4 * 5 * 9).AsSpan(), 4, 5, 3, 3));
        var first = b.Op("Split", x, b.Constant(1, 1));
        var joined = b.Concat(1, x, b.Op("Relu", x), first);
        b.Output(b.Conv(joined, weight, pads: 1), "y", ElementType.Float, 1, 4, 5, 5);
        var split = b.Graph.Nodes.Single(n => n.Is("Split"));
        split.Outputs.Add("rest");
        split.Attributes["axis"] = 1L;
        var model = b.Build();
        var changed = model.Clone();
        NormalizeGraph.Apply(changed);
        Assert.Equal(1, SplitShortcuts.Apply(changed));
        Assert.Equal(3, changed.Graph.Nodes.Count(n => n.Is("Conv")));
        Assert.DoesNotContain(changed.Graph.Nodes, n => n.Is("Concat"));
        var values = TestModels.Numbers(2, 50);
        var expected = Runs.Single(model, "y", ("x", values, [1, 2, 5, 5]));
        var actual = Runs.Single(changed, "y", ("x", values, [1, 2, 5, 5]));
        Assert.All(expected.Zip(actual), p => Assert.Equal(p.First, p.Second, 1e-4f));
    }

    [Fact]
    public void LeavesConvolutionsOfOtherValuesAlone()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, 1, 2, 4, 4);
        var weight = b.Parameter("w", OnnxTensor.Of("", TestModels.Numbers(1, 4).AsSpan(), 2, 2, 1, 1));
        b.Output(b.Conv(b.Concat(2, x, x), weight), "y", ElementType.Float, 1, 2, 8, 4);
        var model = b.Build();
        NormalizeGraph.Apply(model);
        Assert.Equal(0, SplitShortcuts.Apply(model));
        Assert.Equal(2, model.Graph.Nodes.Count);
    }
}
