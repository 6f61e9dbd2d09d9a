using DiffusionQuant.Onnx.Protos;
using DiffusionQuant.Onnx.Tests.Serialization;
using DiffusionQuant.Tests.Shared;
using Google.Protobuf;

namespace DiffusionQuant.Onnx.Tests.Graphs;

public class FunctionInlinerTests
{
    private const string Local = "pkg.model";

    /// <summary>As older dynamo exporters write: a module calls a library function, attributes are handed on.</summary>
    [Fact]
    public void Nested_functions_with_attributes()
    {
        var block = Function("Block", ["x", "weight"], ["out"]);
        block.AttributeProto.Add(Int("axis", -1));
        block.Attribute.Add("factor");
        block.Node.Add(Call("Scale", ["x"], ["scaled"], "scale", Reference("by", "factor")));
        block.Node.Add(Call("Scale", ["scaled"], ["twice"], "", Reference("by", "factor")));
        var softmax = ProtoModels.Node("Softmax", ["twice"], ["s"], "softmax");
        softmax.Attribute.Add(Reference("axis", "axis", AttributeProto.Types.AttributeType.Int));
        block.Node.Add(softmax);
        block.Node.Add(ProtoModels.Node("Mul", ["s", "weight"], ["out"], "mul"));
        block.ValueInfo.Add(ProtoModels.Value("twice", 1, 2));
        var scale = Function("Scale", ["x"], ["out"]);
        scale.Attribute.Add("by");
        var constant = ProtoModels.Node("Constant", [], ["factor"], "constant");
        constant.Attribute.Add(Reference("value_float", "by"));
        scale.Node.Add(constant);
        scale.Node.Add(ProtoModels.Node("Mul", ["x", "factor"], ["out"]));

        var model = Model(block, scale);
        var call = Call("Block", ["x", "w"], ["h"], "block.0");
        call.Attribute.Add(
            new AttributeProto
            {
                Name = "factor",
                Type = AttributeProto.Types.AttributeType.Float,
                F = 0.5f,
            }
        );
        var second = Call("Block", ["h", "w"], ["y"], "block.1");
        second.Attribute.Add(
            new AttributeProto
            {
                Name = "factor",
                Type = AttributeProto.Types.AttributeType.Float,
                F = 2,
            }
        );
        second.Attribute.Add(Int("axis", 0));
        model.Graph.Node.Add(call);
        model.Graph.Node.Add(second);
        var read = model.Parse();
        read.InlineFunctions();
        Snapshot.Verify(GraphText.Print(read.Graph));
        Assert.False(read.HasFunctions);
        Assert.Equal([""], read.Opsets.Keys);
        Assert.Equal(GraphText.Print(read.Graph), GraphText.Print(read.RoundTrip().Graph));
    }

    [Fact]
    public void Left_out_arguments_and_values_handed_through()
    {
        var function = Function("F", ["x", "low", "high"], ["x", "clipped", "clipped", "unused"]);
        var clip = ProtoModels.Node("Clip", ["x", "low", "high"], ["clipped"], "clip");
        clip.Attribute.Add(Reference("absent", "never_given"));
        function.Node.Add(clip);
        function.Node.Add(ProtoModels.Node("Neg", ["x"], ["unused"], "neg"));
        var model = Model(function);
        model.Graph.Node.Add(Call("F", ["x", "", "w"], ["same", "y", "again"], ""));
        foreach (var name in (string[])["same", "again"])
        {
            model.Graph.Output.Add(ProtoModels.Value(name, 1, 2));
        }

        var read = model.Parse();
        read.InlineFunctions();
        Snapshot.Verify(GraphText.Print(read.Graph));
    }

    [Fact]
    public void Subgraphs_inside_of_functions_and_calls_inside_of_subgraphs()
    {
        var function = Function("Guard", ["c", "x"], ["out"]);
        function.Attribute.Add("alpha");
        var then = new GraphProto { Name = "then" };
        var leaky = ProtoModels.Node("LeakyRelu", ["x"], ["t"], "leaky");
        leaky.Attribute.Add(Reference("alpha", "alpha"));
        then.Node.Add(leaky);
        then.Output.Add(ProtoModels.Value("t", 1, 2));
        var other = new GraphProto { Name = "else" };
        other.Initializer.Add(ProtoModels.Raw("k", 1, [2], new byte[8]));
        other.Node.Add(ProtoModels.Node("Add", ["x", "k"], ["e"], "add"));
        other.Output.Add(ProtoModels.Value("e", 1, 2));
        function.Node.Add(If("c", then, other, "out"));
        var inner = Call("Guard", ["c", "x"], ["r"], "call");
        inner.Attribute.Add(
            new AttributeProto
            {
                Name = "alpha",
                Type = AttributeProto.Types.AttributeType.Float,
                F = 0.25f,
            }
        );
        var branch = new GraphProto { Name = "outer_then" };
        branch.Node.Add(inner);
        branch.Output.Add(ProtoModels.Value("r", 1, 2));
        var identity = new GraphProto { Name = "outer_else" };
        identity.Node.Add(ProtoModels.Node("Identity", ["x"], ["i"]));
        identity.Output.Add(ProtoModels.Value("i", 1, 2));
        var model = Model(function);
        model.Graph.Input.Add(ProtoModels.Value("c", 9));
        model.Graph.Node.Add(If("c", branch, identity, "y"));
        var read = model.Parse();
        read.InlineFunctions();
        Snapshot.Verify(GraphText.Print(read.Graph));
    }

    [Fact]
    public void What_cannot_be_inlined_is_refused()
    {
        var a = Function("A", ["x"], ["out"]);
        a.Node.Add(Call("B", ["x"], ["out"], "to_b"));
        var b = Function("B", ["x"], ["out"]);
        b.Node.Add(Call("A", ["x"], ["out"], "to_a"));
        var model = Model(a, b);
        model.Graph.Node.Add(Call("A", ["x"], ["y"], "call"));
        Failure.Expect("DQ1014", () => model.Parse().InlineFunctions(), "'A'", "to_a");

        var old = Function("Old", ["x"], ["out"]);
        old.OpsetImport[0].Version = 15;
        Failure.Expect("DQ1011", () => Model(old).Parse().InlineFunctions(), "'Old'", "opset 15", "opset 17");

        var broken = Function("Broken", ["x"], ["out"]);
        broken.Node.Add(ProtoModels.Node("Relu", ["nothing"], ["out"], "relu"));
        model = Model(broken);
        model.Graph.Node.Add(Call("Broken", ["x"], ["y"], "call"));
        Failure.Expect("DQ1009", () => model.Parse().InlineFunctions(), "call/relu");

        // Each function calls the next one twice: 2^40 nodes.
        var chain = Enumerable
            .Range(0, 40)
            .Select(i =>
            {
                var f = Function($"F{i}", ["x"], ["out"]);
                f.Node.Add(Call($"F{i + 1}", ["x"], ["m"], ""));
                f.Node.Add(Call($"F{i + 1}", ["m"], ["out"], ""));
                return f;
            });
        model = Model([.. chain]);
        model.Graph.Node.Add(Call("F0", ["x"], ["y"], ""));
        Failure.Expect("DQ1011", () => model.Parse().InlineFunctions());
    }

    [Fact]
    public void Models_without_functions_stay_as_they_are()
    {
        var model = ProtoModels.Model().Parse();
        var before = model.ToBytes();
        model.InlineFunctions();
        Assert.Equal(before, model.ToBytes());
    }

    [Fact]
    public void External_data_of_functions_are_carried_along()
    {
        using var folder = new TemporaryFolder();
        folder.Write("w.bin", [0, 0, 128, 63]);
        var function = Function("F", ["x"], ["out"]);
        var constant = ProtoModels.Node("Constant", [], ["k"], "constant");
        constant.Attribute.Add(
            new AttributeProto
            {
                Name = "value",
                Type = AttributeProto.Types.AttributeType.Tensor,
                T = ProtoModels.External("", [1], "w.bin"),
            }
        );
        function.Node.Add(constant);
        function.Node.Add(ProtoModels.Node("Mul", ["x", "k"], ["out"]));
        var model = Model(function);
        model.Graph.Node.Add(Call("F", ["x"], ["y"], "f"));
        var read = OnnxModel.Load(folder.Write("model.onnx", model.ToByteArray())).RoundTrip();
        read.InlineFunctions();
        Assert.Equal(1, GraphEdits.ConstantValue(read.Graph.Nodes[0])!.ToFloats().Span[0]);
    }

    private static ModelProto Model(params FunctionProto[] functions)
    {
        var model = ProtoModels.Model();
        model.Graph.Node.Clear();
        model.Functions.AddRange(functions);
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = Local, Version = 1 });
        if (functions.Length == 1 && functions[0].Node.Count == 0)
        {
            model.Graph.Node.Add(ProtoModels.Node("Relu", ["x"], ["y"]));
        }

        return model;
    }

    private static FunctionProto Function(string name, string[] inputs, string[] outputs)
    {
        var function = new FunctionProto { Name = name, Domain = Local };
        function.Input.AddRange(inputs);
        function.Output.AddRange(outputs);
        function.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = 17 });
        function.OpsetImport.Add(new OperatorSetIdProto { Domain = Local, Version = 1 });
        return function;
    }

    private static NodeProto Call(
        string function,
        string[] inputs,
        string[] outputs,
        string name,
        params AttributeProto[] attributes
    )
    {
        var node = ProtoModels.Node(function, inputs, outputs, name);
        node.Domain = Local;
        node.Attribute.AddRange(attributes);
        return node;
    }

    private static NodeProto If(string condition, GraphProto then, GraphProto other, string output)
    {
        var node = ProtoModels.Node("If", [condition], [output], "if");
        foreach (
            var (name, graph) in (IEnumerable<(string, GraphProto)>)[("then_branch", then), ("else_branch", other)]
        )
        {
            node.Attribute.Add(
                new AttributeProto
                {
                    Name = name,
                    Type = AttributeProto.Types.AttributeType.Graph,
                    G = graph,
                }
            );
        }

        return node;
    }

    private static AttributeProto Int(string name, long value) =>
        new()
        {
            Name = name,
            Type = AttributeProto.Types.AttributeType.Int,
            I = value,
        };

    private static AttributeProto Reference(
        string name,
        string to,
        AttributeProto.Types.AttributeType type = AttributeProto.Types.AttributeType.Float
    ) =>
        new()
        {
            Name = name,
            RefAttrName = to,
            Type = type,
        };
}
