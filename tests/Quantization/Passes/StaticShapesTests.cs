using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Tests.Passes;

public class StaticShapesTests
{
    [Theory]
    [InlineData(13)]
    [InlineData(17)]
    [InlineData(21)]
    public void NetworksNeedNoShapesAtRunTime(long opset)
    {
        var model = DdpmUNet.Build(TestModels.SmallUNet with { Opset = opset });
        var changed = model.Clone();
        NormalizeGraph.Apply(changed);
        Assert.True(StaticShapes.Apply(changed) > 0);
        GraphChecker.Check(changed.Graph, "network");
        Assert.DoesNotContain(changed.Graph.Nodes, n => n.OpType is "Shape" or "Gather" or "Pow");
        foreach (var batch in (int[])[1, 3])
        {
            var sample = TestModels.Numbers(3, batch * 3 * 256);
            var timesteps = Enumerable.Range(1, batch).Select(i => i * 100L).ToArray();
            var pairs = Runs.UNet(model, sample, [batch, 3, 16, 16], timesteps)
                .Zip(Runs.UNet(changed, sample, [batch, 3, 16, 16], timesteps));
            Assert.All(pairs, p => Assert.Equal(p.First, p.Second, 1e-4f));
        }

        Assert.Equal(0, StaticShapes.Apply(changed));
    }

    [Fact]
    public void SizesThatOnlyTheInputTellsStay()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, "batch", 6, "length");
        var target = b.Concat(
            0,
            b.Unsqueeze(b.Size(x, 2), 0),
            b.Unsqueeze(b.Size(x, 0), 0),
            b.Constant(3L),
            b.Constant(2L)
        );
        b.Output(b.Reshape(x, target), "y", ElementType.Float, "length", "batch", 3, 2);
        b.Output(b.Cast(b.Size(x, 1), ElementType.Float), "channels", ElementType.Float);
        var model = b.Build();
        NormalizeGraph.Apply(model);
        var changed = model.Clone();
        StaticShapes.Apply(changed);
        Assert.Contains(changed.Graph.Nodes, n => n.Is("Shape"));
        var values = TestModels.Numbers(1, 48);
        Assert.Equal(
            Runs.Single(model, "y", ("x", values, [2, 6, 4])),
            Runs.Single(changed, "y", ("x", values, [2, 6, 4]))
        );
        Assert.Equal([6f], Runs.Single(changed, "channels", ("x", values, [2, 6, 4])));
    }
}
