using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine.Tests;

public sealed class ConstantFolderTests
{
    private static float[] Run(OnnxModel model, string output, params (string Name, float[] Data)[] inputs)
    {
        using var session = ModelSession.Load(model);
        var given = inputs.ToDictionary(i => i.Name, i => Tensors.Of(i.Data, i.Data.Length));
        using var outputs = session.Run(given, [output]);
        return Tensors.ToFloats(outputs[output]);
    }

    /// <summary>y = x * (a + b) - (a * b), with two values between constants and the rest.</summary>
    private static OnnxModel Mixed()
    {
        var graph = TinyModels.Graph(
            [TinyModels.Value("x", ElementType.Float, 2)],
            [TinyModels.Value("y", ElementType.Float, 2)],
            new("Constant", [], ["b"]) { Attributes = { ["value"] = OnnxTensor.Of("", [3f, 4], 2) } },
            new("Add", ["a", "b"], ["sum"]),
            new("Mul", ["a", "b"], ["product"]),
            new("Neg", ["product"], ["minus"]),
            new("Mul", ["x", "sum"], ["scaled"]),
            new("Add", ["scaled", "minus"], ["y"])
        );
        graph.Add(OnnxTensor.Of("a", [1f, 2], 2));
        return TinyModels.Model(graph);
    }

    [Fact]
    public void Values_stay_what_they_were()
    {
        var model = Mixed();
        var expected = Run(model, "y", ("x", [5, 6]));
        Assert.Equal(4, ConstantFolder.Fold(model));
        Assert.Equal(["Mul", "Add"], model.Graph.Nodes.Select(n => n.OpType));
        Assert.Equal(["minus", "sum"], model.Graph.Initializers.Keys.Order());
        Assert.Equal(expected, Run(model, "y", ("x", [5, 6])));
        Assert.Equal(0, ConstantFolder.Fold(model));
    }

    [Fact]
    public void A_clone_stays_as_it_was()
    {
        var model = Mixed();
        ConstantFolder.Fold(model.Clone());
        Assert.Equal(6, model.Graph.Nodes.Count);
    }

    [Fact]
    public void An_output_keeps_its_name()
    {
        var graph = TinyModels.Graph(
            [TinyModels.Value("x", ElementType.Float, 2)],
            [TinyModels.Value("y", ElementType.Float, 2), TinyModels.Value("constant", ElementType.Float, 2)],
            new("Add", ["a", "a"], ["constant"]),
            new("Add", ["x", "constant"], ["y"])
        );
        graph.Add(OnnxTensor.Of("a", [1f, 2], 2));
        var model = TinyModels.Model(graph);
        Assert.Equal(1, ConstantFolder.Fold(model));
        Assert.Equal(["y", "constant"], model.Graph.Outputs.Select(o => o.Name));
        Assert.Equal([2, 4], Run(model, "constant", ("x", [5, 6])));
        Assert.Equal([7, 10], Run(model, "y", ("x", [5, 6])));
    }

    [Theory]
    [InlineData("RandomNormal")]
    [InlineData("RandomUniform")]
    public void Random_numbers_are_drawn_in_each_run(string op)
    {
        var graph = TinyModels.Graph(
            [],
            [TinyModels.Value("y", ElementType.Float, 2)],
            new OnnxNode(op, [], ["r"]) { Attributes = { ["shape"] = new long[] { 2 } } },
            new OnnxNode("Add", ["r", "two"], ["y"]),
            new OnnxNode("Add", ["one", "one"], ["two"])
        );
        graph.Add(OnnxTensor.Of("one", [1f, 1], 2));
        graph.SortTopologically();
        var model = TinyModels.Model(graph);
        Assert.Equal(1, ConstantFolder.Fold(model));
        Assert.Equal([op, "Add"], model.Graph.Nodes.Select(n => n.OpType));
    }

    [Fact]
    public void Random_like_operators_stay_too()
    {
        var graph = TinyModels.Graph(
            [],
            [TinyModels.Value("y", ElementType.Float, 2)],
            new OnnxNode("RandomNormalLike", ["a"], ["y"])
        );
        graph.Add(OnnxTensor.Of("a", [1f, 1], 2));
        Assert.Equal(0, ConstantFolder.Fold(TinyModels.Model(graph)));
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public void Dequantization_may_stay(bool keep, int folded)
    {
        var graph = TinyModels.Graph(
            [TinyModels.Value("x", ElementType.Float, 2)],
            [TinyModels.Value("y", ElementType.Float, 2)],
            new("DequantizeLinear", ["q", "scale"], ["w"]),
            new("Mul", ["x", "w"], ["y"])
        );
        graph.Add(OnnxTensor.Of("q", new sbyte[] { 2, -3 }.AsSpan(), 2));
        graph.Add(OnnxTensor.Scalar("scale", 0.5f));
        var model = TinyModels.Model(graph);
        Assert.Equal(folded, ConstantFolder.Fold(model, new() { KeepDequantizeLinear = keep }));
        Assert.Equal([1, -1.5f], Run(model, "y", ("x", [1, 1])));
    }

    [Fact]
    public void Large_values_stay_computed_but_what_is_made_of_them_does_not()
    {
        // large = 1000 times 2 is read by the rest and by a sum, of which only the sum is small enough.
        var graph = TinyModels.Graph(
            [TinyModels.Value("x", ElementType.Float, 1)],
            [TinyModels.Value("y", ElementType.Float, 1000), TinyModels.Value("z", ElementType.Float, 1)],
            new("Add", ["one", "one"], ["two"]),
            new("Expand", ["two", "shape"], ["large"]),
            new("ReduceSum", ["large"], ["sum"]) { Attributes = { ["keepdims"] = 0 } },
            new("Mul", ["x", "large"], ["y"]),
            new("Mul", ["x", "sum"], ["z"])
        );
        graph.Add(OnnxTensor.Of("one", [1f], 1));
        graph.Add(OnnxTensor.Of("shape", [1000L], 1));
        var model = TinyModels.Model(graph);
        Assert.Equal(2, ConstantFolder.Fold(model, new() { LargestValueBytes = 100 }));
        Assert.Equal(["Expand", "Mul", "Mul"], model.Graph.Nodes.Select(n => n.OpType));
        Assert.Equal([6000], Run(model, "z", ("x", [3])));
        Assert.Equal(6, Run(model, "y", ("x", [3]))[999]);

        // A size that the model tells is not even evaluated.
        model.Graph.ValueInfos["large"] = TinyModels.Value("large", ElementType.Float, 1000);
        Assert.Equal(0, ConstantFolder.Fold(model, new() { LargestValueBytes = 100 }));
        Assert.Equal(1, ConstantFolder.Fold(model));
    }

    [Fact]
    public void What_cannot_be_run_stays_and_the_rest_is_folded()
    {
        var graph = TinyModels.Graph(
            [TinyModels.Value("x", ElementType.Float, 1)],
            [TinyModels.Value("y", ElementType.Float, 1)],
            new("Add", ["one", "one"], ["two"]),
            new("NoSuchOperator", ["two"], ["unknown"]),
            new("Mul", ["one", "two"], ["product"]),
            new("Mul", ["x", "product"], ["t"]),
            new("Add", ["t", "unknown"], ["y"])
        );
        graph.Add(OnnxTensor.Of("one", [1f], 1));
        var model = TinyModels.Model(graph);
        Assert.Equal(2, ConstantFolder.Fold(model));
        Assert.Equal(["NoSuchOperator", "Mul", "Add"], model.Graph.Nodes.Select(n => n.OpType));
        Assert.Equal(2, model.Graph.Initializers["two"].ToFloats().Span[0]);
    }

    [Fact]
    public void Sequences_stay_and_what_is_made_of_them_is_folded()
    {
        var graph = TinyModels.Graph(
            [TinyModels.Value("x", ElementType.Float, 2)],
            [TinyModels.Value("y", ElementType.Float, 2)],
            new("SequenceConstruct", ["one", "one"], ["sequence"]),
            new("ConcatFromSequence", ["sequence"], ["both"]) { Attributes = { ["axis"] = 0 } },
            new("Mul", ["x", "both"], ["y"])
        );
        graph.Add(OnnxTensor.Of("one", [1f], 1));
        var model = TinyModels.Model(graph);
        Assert.Equal(2, ConstantFolder.Fold(model));
        Assert.Equal([3, 4], Run(model, "y", ("x", [3, 4])));
    }

    [Fact]
    public void Packed_weights_are_unpacked()
    {
        var graph = TinyModels.Graph(
            [TinyModels.Value("x", ElementType.Float, 4)],
            [TinyModels.Value("y", ElementType.Float, 4)],
            new("Cast", ["packed"], ["bytes"]) { Attributes = { ["to"] = (long)ElementType.Int8 } },
            new("Cast", ["bytes"], ["floats"]) { Attributes = { ["to"] = (long)ElementType.Float } },
            new("Mul", ["x", "floats"], ["y"])
        );
        graph.Add(new OnnxTensor("packed", ElementType.Int4, [4], new byte[] { 0xF1, 0x87 }));
        var model = TinyModels.Model(graph, opset: 21, ir: 10);
        Assert.Equal(2, ConstantFolder.Fold(model));
        Assert.Equal([1, -1, 7, -8], Run(model, "y", ("x", [1, 1, 1, 1])));
    }

    [Fact]
    public void A_constant_choice_is_made_and_branches_are_folded_inside()
    {
        var model = WithIf(condition: true);
        Assert.Equal([13], Run(model, "y", ("x", [10])));
        Assert.Equal(2, ConstantFolder.Fold(model));
        Assert.Equal(["Add"], model.Graph.Nodes.Select(n => n.OpType));
        Assert.Equal([13], Run(model, "y", ("x", [10])));

        model = WithIf(condition: null);
        Assert.Equal([13], Run(model, "y", ("x", [10])));
        var kept = model.Clone();

        // One node of each branch; what the branches return is still made within them.
        Assert.Equal(3, ConstantFolder.Fold(model));
        Assert.Equal([13], Run(model, "y", ("x", [10])));
        Assert.All(
            model.Graph.Nodes.SelectMany(GraphChecker.Subgraphs),
            branch => Assert.Equal("Add", Assert.Single(branch.Nodes).OpType)
        );
        Assert.All(kept.Graph.Nodes.SelectMany(GraphChecker.Subgraphs), branch => Assert.Equal(2, branch.Nodes.Count));
    }

    /// <summary>y = x + (condition ? two * one + one : (-two) + one); without a condition it is x > 0.</summary>
    private static OnnxModel WithIf(bool? condition)
    {
        OnnxGraph Branch(string name, OnnxNode first) =>
            TinyModels.Graph(
                [],
                [TinyModels.Value(name, ElementType.Float, 1)],
                first,
                new OnnxNode("Add", [first.Outputs[0], "one"], [name])
            );

        var graph = TinyModels.Graph(
            [TinyModels.Value("x", ElementType.Float, 1)],
            [TinyModels.Value("y", ElementType.Float, 1)],
            new("Add", ["one", "one"], ["two"]),
            new("If", ["condition"], ["chosen"])
            {
                Attributes =
                {
                    ["then_branch"] = new AttributeValue.Graph(Branch("a", new("Mul", ["two", "one"], ["a0"]))),
                    ["else_branch"] = new AttributeValue.Graph(Branch("b", new("Neg", ["two"], ["b0"]))),
                },
            },
            new("Add", ["x", "chosen"], ["y"])
        );
        graph.Add(OnnxTensor.Of("one", [1f], 1));
        if (condition is { } value)
        {
            graph.Add(new OnnxTensor("condition", ElementType.Bool, [1], new byte[] { (byte)(value ? 1 : 0) }));
        }
        else
        {
            graph.Add(OnnxTensor.Of("zero", [0f], 1));
            graph.Nodes.Insert(0, new("Greater", ["x", "zero"], ["condition"]));
        }

        return TinyModels.Model(graph);
    }

    [Fact]
    public void A_constant_that_is_only_renamed_is_not_stored_twice()
    {
        var graph = TinyModels.Graph(
            [TinyModels.Value("x", ElementType.Float, 1)],
            [TinyModels.Value("y", ElementType.Float, 1)],
            new("Identity", ["one"], ["alias"]),
            new("Add", ["x", "alias"], ["t"]),
            new("Add", ["t", "one"], ["y"])
        );
        graph.Add(OnnxTensor.Of("one", [1f], 1));
        var model = TinyModels.Model(graph);
        Assert.Equal(1, ConstantFolder.Fold(model));
        Assert.Equal(["one"], model.Graph.Initializers.Keys);
    }
}
