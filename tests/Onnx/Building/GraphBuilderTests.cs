using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Tests.Shared;

namespace DiffusionQuant.Onnx.Tests.Building;

public class GraphBuilderTests
{
    [Theory]
    [InlineData(11, NameStyle.Scoped)]
    [InlineData(17, NameStyle.Scoped)]
    [InlineData(18, NameStyle.Dynamo)]
    [InlineData(17, NameStyle.Numbered)]
    public void Writes_readable_graphs(long opset, NameStyle style)
    {
        var b = new GraphBuilder("example", opset, style);
        var x = b.Input("x", ElementType.Float, "batch", 3, 8, 8);
        Value h;
        using (b.Scope("block.0"))
        {
            using (b.Scope("conv"))
            {
                var weight = OnnxTensor.Of("", new float[3 * 3 * 9].AsSpan(), 3, 3, 3, 3);
                h = b.Silu(b.Conv(x, b.Parameter("block.0.conv.weight", weight), pads: 1));
            }

            h += b.ReduceMean(-h, [2, 3]) / b.Scalar(2f) - b.Scalar(1f);
        }

        var parts = b.Node("Split", [b.Squeeze(b.Unsqueeze(h, 0), 0)], 3, [("axis", 1L)]);
        b.Output(b.Concat(1, parts[2], parts[0]), "y", ElementType.Float, "batch", 2, 8, 8);
        b.Output(x, "same", ElementType.Float, "batch", 3, 8, 8);
        b.Output(b.Node("QuickGelu", [parts[1]], 1, [], "com.microsoft")[0], "z", ElementType.Float, "batch", 1, 8, 8);
        var model = b.Build();
        Assert.Equal(1, model.Opsets["com.microsoft"]);
        Assert.Equal(opset, model.Opset);
        Snapshot.Verify(GraphText.Print(model.Graph), $"{style}_{opset}");
    }

    [Fact]
    public void Names_are_unique_and_mistakes_are_found()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, 2);
        Assert.Throws<ArgumentException>(() => b.Input("x", ElementType.Float, 2));
        Assert.Equal("w", b.Parameter("w", OnnxTensor.Scalar("", 1f)).Name);
        Assert.Equal("w_1", b.Parameter("w", OnnxTensor.Scalar("", 2f)).Name);
        Assert.Throws<ArgumentException>(() => b.Scalar(1f, ElementType.Int8));
        b.Output(x * new GraphBuilder().Input("elsewhere", ElementType.Float), "y", ElementType.Float, 2);
        Failure.Expect("DQ1009", () => b.Build(), "elsewhere");
    }
}
