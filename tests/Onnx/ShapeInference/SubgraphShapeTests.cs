using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Onnx.ShapeInference;

namespace DiffusionQuant.Onnx.Tests.ShapeInference;

public class SubgraphShapeTests
{
    private readonly GraphBuilder b = new(opset: 17);

    [Fact]
    public void If_gives_what_both_branches_agree_on()
    {
        var x = b.Input("x", ElementType.Float, "batch", 4, 1);
        var condition = b.Input("condition", ElementType.Bool);
        Assert.Equal("Float[...]", Infer(If(x, condition)));
        Assert.Equal(
            "Float[batch,4,1]",
            b.Graph.Nodes.Select(Branch).OfType<OnnxGraph>().Single().ValueInfos.Values.Single().ToString()[^16..]
        );
    }

    [Fact]
    public void Of_a_branch_that_is_surely_taken_everything_is_known()
    {
        // torch's squeeze: only squeezes when the dimension is 1.
        var x = b.Input("x", ElementType.Float, "batch", 4, 1);
        Assert.Equal("Float[batch,4]", Infer(If(x, b.Op("Equal", b.Size(x, 2), b.Scalar(1)))));
    }

    [Fact]
    public void Loops_forget_what_an_iteration_changes()
    {
        var x = b.Input("x", ElementType.Float, "batch", 4);
        var y = b.Input("y", ElementType.Float, "batch", 8);
        var body = b.Subgraph("body");
        body.Input("i", ElementType.Int64);
        var go = body.Input("go", ElementType.Bool);
        var state = body.Input("state", ElementType.Float);
        var grown = body.Input("grown", ElementType.Float);
        ClearShapes(body.Graph);
        body.Output(body.Op("Identity", go), "go_on", ElementType.Bool);
        body.Output(body.Op("Relu", state), "new_state", ElementType.Float);
        body.Output(body.Concat(1, grown, y), "more", ElementType.Float);
        body.Output(body.Op("Neg", state), "seen", ElementType.Float);
        var outputs = b.Node("Loop", [b.Scalar(3), null, x, y], 3, [("body", new AttributeValue.Graph(body.Graph))]);
        ClearShapes(body.Graph);
        Assert.Equal(["Float[batch,4]", "Float[batch,?]", "Float[?,batch,4]"], Infer([.. outputs]));
    }

    [Fact]
    public void Scan_sees_elements_of_sequences()
    {
        var state = b.Input("state", ElementType.Float, "batch", 4);
        var sequence = b.Input("sequence", ElementType.Float, "time", "batch", 4);
        var body = b.Subgraph("body");
        var s = body.Input("s", ElementType.Float);
        var x = body.Input("element", ElementType.Float);
        body.Output(s + x, "next", ElementType.Float);
        body.Output(body.Cast(x, ElementType.Float16), "half", ElementType.Float16);
        ClearShapes(body.Graph);
        var outputs = b.Node(
            "Scan",
            [state, sequence],
            2,
            [("body", new AttributeValue.Graph(body.Graph)), ("num_scan_inputs", 1L)]
        );
        Assert.Equal(["Float[batch,4]", "Float16[time,batch,4]"], Infer([.. outputs]));
    }

    [Fact]
    public void Nested_loops_take_no_exponential_time()
    {
        var x = b.Input("x", ElementType.Float, "batch", 4);
        var y = Nest(b, x, 40);
        Assert.Equal("Float[...]", Infer(y));
    }

    [Fact]
    public void Given_sizes_reach_captured_values_and_leave_the_model_alone()
    {
        var x = b.Input("x", ElementType.Float, "batch", 4, 1);
        var result = If(x, b.Input("condition", ElementType.Bool));
        b.Output(result, "out", ElementType.Float);
        var model = b.Build();
        var copy = ShapeInferrer.Infer(
            model,
            new() { Inputs = new Dictionary<string, TensorShape> { ["x"] = [7, 4, 1] } }
        );
        static ValueInfo Inner(OnnxModel m) =>
            m.Graph.Nodes.Select(Branch).OfType<OnnxGraph>().Single().ValueInfos.Values.Single();
        Assert.Equal(TensorShape.Of(7, 4, 1), Inner(copy).Shape);
        Assert.Empty(model.Graph.Nodes.Select(Branch).OfType<OnnxGraph>().Single().ValueInfos);
        Assert.Throws<ArgumentException>(() =>
            ShapeInferrer.Infer(model, new() { Inputs = new Dictionary<string, TensorShape> { ["x"] = [7, 4] } })
        );
        Assert.Throws<ArgumentException>(() =>
            ShapeInferrer.Infer(model, new() { Inputs = new Dictionary<string, TensorShape> { ["z"] = [7] } })
        );
    }

    [Fact]
    public void Sizes_that_contradict_the_file_silence_its_inner_shapes()
    {
        var x = b.Input("x", ElementType.Float, 1, 4);
        var y = b.Op("Unheard", x);
        b.Graph.ValueInfos[y.Name] = new(y.Name, ElementType.Float, [1, 9]);
        b.Output(b.Op("Relu", y), "out", ElementType.Float);
        var copy = ShapeInferrer.Infer(
            b.Build(),
            new() { Inputs = new Dictionary<string, TensorShape> { ["x"] = [2, 4] } }
        );
        Assert.Null(copy.Graph.Find(y.Name)!.Shape);
    }

    private static OnnxGraph? Branch(OnnxNode node) =>
        (node.Attributes.GetValueOrDefault("else_branch") as AttributeValue.Graph)?.Value;

    private Value If(Value x, Value condition)
    {
        var (then, other) = (b.Subgraph("then"), b.Subgraph("else"));
        then.Output(then.Squeeze(x, 2), "squeezed", ElementType.Float);
        other.Output(other.Op("Relu", other.Op("Neg", x)), "kept", ElementType.Float);
        ClearShapes(then.Graph);
        ClearShapes(other.Graph);
        return b.Op(
            "If",
            [condition],
            ("then_branch", new AttributeValue.Graph(then.Graph)),
            ("else_branch", new AttributeValue.Graph(other.Graph))
        );
    }

    private static Value Nest(GraphBuilder outer, Value x, int depth)
    {
        if (depth == 0)
        {
            return outer.Concat(1, x, x);
        }

        var body = outer.Subgraph("body");
        body.Input($"i{depth}", ElementType.Int64);
        var go = body.Input($"go{depth}", ElementType.Bool);
        var state = body.Input($"state{depth}", ElementType.Float);
        body.Output(body.Op("Identity", go), $"on{depth}", ElementType.Bool);
        body.Output(Nest(body, state, depth - 1), $"next{depth}", ElementType.Float);
        ClearShapes(body.Graph);
        return outer.Node("Loop", [outer.Scalar(3), null, x], 1, [("body", new AttributeValue.Graph(body.Graph))])[0];
    }

    /// <summary>Exporters often leave shapes of subgraphs' inputs and outputs out.</summary>
    private static void ClearShapes(OnnxGraph graph)
    {
        foreach (var list in (List<ValueInfo>[])[graph.Inputs, graph.Outputs])
        {
            for (var i = 0; i < list.Count; i++)
            {
                list[i] = list[i] with { Shape = null };
            }
        }
    }

    private string Infer(Value value) => Infer([value])[0];

    private string[] Infer(Value[] values)
    {
        b.Output(b.Op("Identity", values[0]), "out", ElementType.Undefined);
        ShapeInferrer.Infer(b.Build());
        return [.. values.Select(v => b.Graph.Find(v.Name)!.ToString()[(v.Name.Length + 2)..])];
    }
}
