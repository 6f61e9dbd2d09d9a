using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Engine.Tests.Gradients;

/// <summary>What differentiation does with a graph as a whole, and what it refuses.</summary>
public sealed class GradientGraphTests
{
    [Fact]
    public void What_the_loss_does_not_depend_on_has_zeros()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, 3);
        b.Input("unused", ElementType.Float, 2);
        var run = GradientRun.Of(
            Close(b, b.Op("Exp", x)),
            new Dictionary<string, float[]> { ["x"] = [1, 2, 3], ["unused"] = [1, 2] },
            ["unused"]
        );

        Assert.Equal([0, 0], run.Gradients["unused"].Values);
    }

    [Fact]
    public void A_constant_to_derivatives_passes_none()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, 2);
        var editor = new GraphEditor(b.Graph);
        var stopped = QuantizerOperators.AddStopGradient(editor, "x");
        editor.NodeTo("loss", "ReduceSum", [editor.Node("Mul", "product", [x.Name, stopped])], ("keepdims", 0L));
        b.Graph.Outputs.Add(new("loss", ElementType.Float, TensorShape.Scalar));
        var run = GradientRun.Of(b.Build(), new Dictionary<string, float[]> { ["x"] = [3, 4] }, ["x"]);

        Assert.Equal([3, 4], run.Gradients["x"].Values);
    }

    [Fact]
    public void Operators_without_a_rule_are_named()
    {
        var b = new GraphBuilder();
        var model = Close(b, b.Op("Hardmax", b.Input("x", ElementType.Float, 3, 3)));
        var error = Assert.Throws<DiffusionQuantException>(() => GradientGraph.Append(model, "loss", ["x"]));
        Assert.Equal("DQ4030", error.Code);
        Assert.Contains("Hardmax", error.Message);
        Assert.Contains(model.Graph.Nodes.First(n => n.OpType == "Hardmax").Name, error.Message);
    }

    /// <summary>Nothing is known of the shape behind an operator that nobody knows; its name is what helps.</summary>
    [Fact]
    public void An_unknown_operator_is_named_before_a_shape_behind_it()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, 3);
        b.Graph.Nodes.Add(new("Twist", ["x"], ["twisted"], "twist", "com.example"));
        b.Graph.Nodes.Add(new("Mul", ["twisted", "x"], ["product"], "multiply"));
        b.Graph.Nodes.Add(new("ReduceSum", ["product"], ["loss"], "sum"));
        b.Graph.Outputs.Add(new("loss", ElementType.Float, TensorShape.Scalar));
        var error = Assert.Throws<DiffusionQuantException>(() => GradientGraph.Append(b.Build(), "loss", [x.Name]));
        Assert.Equal("DQ4030", error.Code);
        Assert.Contains("twist", error.Message);
    }

    /// <summary>The branch reads a value of the outer graph, which no input of the node shows.</summary>
    [Fact]
    public void A_subgraph_that_captures_what_is_tuned_is_named()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, 3);
        var model = Close(
            b,
            b.Op("If", [Condition(b)], [("then_branch", Branch(b, x)), ("else_branch", Branch(b, x))])
        );
        var error = Assert.Throws<DiffusionQuantException>(() => GradientGraph.Append(model, "loss", ["x"]));
        Assert.Equal("DQ4030", error.Code);
        Assert.Contains("If", error.Message);
        Assert.Contains(model.Graph.Nodes.First(n => n.OpType == "If").Name, error.Message);
        Assert.Contains("'x'", error.Message);
    }

    [Fact]
    public void A_subgraph_of_constants_is_a_constant()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, 3);
        var other = b.Input("other", ElementType.Float, 3);
        var chosen = b.Op("If", [Condition(b)], [("then_branch", Branch(b, other)), ("else_branch", Branch(b, other))]);
        var run = GradientRun.Of(
            Close(b, x * chosen),
            new Dictionary<string, float[]> { ["x"] = [1, 2, 3], ["other"] = [4, 5, 6] },
            ["x"]
        );

        Assert.Equal([-4, -5, -6], run.Gradients["x"].Values);
    }

    [Fact]
    public void Symbolic_sizes_are_refused()
    {
        var b = new GraphBuilder();
        var model = Close(b, b.ReduceMean(b.Input("x", ElementType.Float, "batch", 3), [1]));
        var error = Assert.Throws<DiffusionQuantException>(() => GradientGraph.Append(model, "loss", ["x"]));
        Assert.Equal("DQ4031", error.Code);
    }

    [Fact]
    public void Long_chains_do_not_overflow_the_stack()
    {
        var b = new GraphBuilder();
        var y = b.Input("x", ElementType.Float, 2);
        for (var i = 0; i < 2000; i++)
        {
            y = b.Op("Neg", y);
        }

        Assert.NotEmpty(GradientGraph.Append(Close(b, y), "loss", ["x"])["x"]);
    }

    /// <summary>Makes the sum of a value's elements the loss.</summary>
    private static OnnxModel Close(GraphBuilder b, Value y)
    {
        b.Output(b.Op("ReduceSum", [y], ("keepdims", 0L)), "loss", ElementType.Float);
        return b.Build();
    }

    private static Value Condition(GraphBuilder b) =>
        b.Constant(new OnnxTensor("", ElementType.Bool, [], new byte[] { 1 }));

    /// <summary>A branch that reads a value of the graph around it.</summary>
    private static AttributeValue Branch(GraphBuilder b, Value captured)
    {
        var branch = b.Subgraph("branch");
        var y = branch.Op("Neg", captured);
        branch.Graph.Outputs.Add(new(y.Name, ElementType.Float, TensorShape.Of(3)));
        return new AttributeValue.Graph(branch.Graph);
    }
}
