using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Onnx.Tests.Graphs;

public sealed class OpsetRaisingTests
{
    [Theory]
    [InlineData(13)]
    [InlineData(14)]
    [InlineData(15)]
    public void What_a_new_default_would_change_is_written_out_in_branches_too(long opset)
    {
        var model = Model(opset);
        OpsetRaising.Raise(model, 16);
        Assert.Equal(16, model.Opset);
        var branch = GraphChecker.Subgraphs(model.Graph.Nodes.Single(n => n.Is("If"))).First();
        OnnxNode[] changed =
        [
            model.Graph.Nodes.Single(n => n.Is("RoiAlign")),
            branch.Nodes.Single(n => n.Is("RoiAlign")),
        ];
        Assert.All(changed, n => Assert.Equal("output_half_pixel", n.Text("coordinate_transformation_mode")));
    }

    [Theory]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(23)]
    public void Models_that_have_it_stay(long opset)
    {
        var model = Model(opset);
        OpsetRaising.Raise(model, 16);
        Assert.Equal(opset, model.Opset);
        Assert.Empty(model.Graph.Nodes.Single(n => n.Is("RoiAlign")).Attributes);
    }

    [Fact]
    public void Other_raises_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => OpsetRaising.Raise(Model(14), 18));
        Assert.Throws<ArgumentOutOfRangeException>(() => OpsetRaising.Raise(Model(12), 16));
    }

    private static OnnxModel Model(long opset)
    {
        var b = new GraphBuilder(opset: opset);
        var x = b.Input("x", ElementType.Float, 1, 2, 4, 4);
        var boxes = b.Input("boxes", ElementType.Float, 1, 4);
        var images = b.Input("images", ElementType.Int64, 1);
        var condition = b.Input("condition", ElementType.Bool);
        var outside = b.Op("RoiAlign", x, boxes, images);
        var inside = b.Op(
            "If",
            [condition],
            ("then_branch", new AttributeValue.Graph(Branch("then"))),
            ("else_branch", new AttributeValue.Graph(Branch("else")))
        );
        b.Output(outside + inside, "y", ElementType.Float, 1, 2, 1, 1);
        return b.Build();

        OnnxGraph Branch(string name)
        {
            var branch = b.Subgraph(name);
            var aligned = branch.Op("RoiAlign", x, boxes, images);
            branch.Output(aligned, $"{name}_aligned", ElementType.Float, 1, 2, 1, 1);
            return branch.Graph;
        }
    }
}
