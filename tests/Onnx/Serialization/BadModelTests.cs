using DiffusionQuant.Onnx.Protos;
using Google.Protobuf;

namespace DiffusionQuant.Onnx.Tests.Serialization;

/// <summary>Every mistake in a file has a code, and the message names the file and the node or tensor.</summary>
public class BadModelTests
{
    [Fact]
    public void A_missing_file() =>
        Failure.Expect("DQ1001", () => OnnxModel.Load("nowhere/model.onnx"), "nowhere/model.onnx");

    [Fact]
    public void Files_that_are_no_models()
    {
        using var folder = new TemporaryFolder();
        Failure.Expect("DQ1002", () => OnnxModel.Load(folder.Write("empty.onnx", [])), "empty.onnx", "empty");
        Failure.Expect(
            "DQ1002",
            () => OnnxModel.Load(folder.Write("text.onnx", "# a text\nof two lines"u8)),
            "text.onnx"
        );
        Failure.Expect("DQ1002", () => OnnxModel.Load(folder.Write("zero.onnx", new byte[100])), "zero.onnx");
        Failure.Expect(
            "DQ1002",
            () => OnnxModel.Load(folder.Write("graphless.onnx", new ModelProto { IrVersion = 8 }.ToByteArray()))
        );
        var pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3438167534\n"u8.ToArray();
        Failure.Expect("DQ1003", () => OnnxModel.Load(folder.Write("pointer.onnx", pointer)), "git lfs pull");
        Failure.Expect("DQ1001", () => OnnxModel.Load(folder.Path));
    }

    [Fact]
    public void A_file_that_may_not_be_read()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("locked.onnx", ProtoModels.Model().ToByteArray());
        using var holder = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Failure.Expect("DQ1013", () => OnnxModel.Load(path), "locked.onnx");
    }

    [Theory]
    [InlineData(2, 17, "IR version 2")]
    [InlineData(99, 17, "IR version 99")]
    [InlineData(8, 10, "opset 10")]
    [InlineData(8, 99, "opset 99")]
    public void Versions_out_of_range(long ir, long opset, string named)
    {
        var proto = ProtoModels.Model();
        (proto.IrVersion, proto.OpsetImport[0].Version) = (ir, opset);
        Failure.Expect("DQ1004", () => proto.Parse(), named);
    }

    public static TheoryData<string, object> BadTensors =>
        new()
        {
            { "8 bytes", ProtoModels.Raw("t", 1, [2], new byte[7]) },
            { "8 bytes", ProtoModels.Raw("t", 1, [2], new byte[9]) },
            { "element type 0", ProtoModels.Raw("t", 0, [1], new byte[4]) },
            { "element type 77", ProtoModels.Raw("t", 77, [1], new byte[4]) },
            { "[-1]", ProtoModels.Raw("t", 1, [-1], new byte[4]) },
            { "more than 2 GB", ProtoModels.Raw("t", 1, [1L << 40], []) },
            { "absurdly large", ProtoModels.Raw("t", 1, [1L << 40, 1L << 40], []) },
            {
                "2 elements",
                new TensorProto
                {
                    Name = "t",
                    DataType = 1,
                    Dims = { 2 },
                    FloatData = { 1 },
                }
            },
            {
                "2 elements",
                new TensorProto
                {
                    Name = "t",
                    DataType = 1,
                    Dims = { 2 },
                    Int64Data = { 1, 2 },
                }
            },
            {
                "2 strings",
                new TensorProto
                {
                    Name = "t",
                    DataType = 8,
                    Dims = { 2 },
                }
            },
            {
                "2 elements",
                new TensorProto
                {
                    Name = "t",
                    DataType = 22,
                    Dims = { 2 },
                    Int32Data = { 1, 2 },
                }
            },
        };

    [Theory]
    [MemberData(nameof(BadTensors))]
    public void Tensors_whose_parts_do_not_fit(string named, object tensor)
    {
        var proto = ProtoModels.Model();
        proto.Graph.Initializer.Add((TensorProto)tensor);
        Failure.Expect("DQ1007", () => proto.Parse(), "'t'", named);

        // In an attribute the tensor has no name of its own: the node's says where it is.
        var constant = ProtoModels.Node("Constant", [], ["k"], "the_constant");
        var unnamed = ((TensorProto)tensor).Clone();
        unnamed.ClearName();
        constant.Attribute.Add(
            new AttributeProto
            {
                Name = "value",
                Type = AttributeProto.Types.AttributeType.Tensor,
                T = unnamed,
            }
        );
        proto = ProtoModels.Model();
        proto.Graph.Node.Add(constant);
        Failure.Expect("DQ1007", () => proto.Parse(), "the_constant", named);
    }

    [Fact]
    public void Graphs_whose_names_do_not_fit()
    {
        Expect("DQ1009", g => g.Initializer.Clear(), "'add'", "'w'");
        Expect("DQ1009", g => g.Output.Add(ProtoModels.Value("nothing", 1, 2)), "'nothing'");
        Expect("DQ1009", g => g.Node.Clear(), "'y'");
        Expect("DQ1010", g => g.Node.Add(ProtoModels.Node("Relu", ["x"], ["y"])), "'y'");
        Expect("DQ1010", g => g.Node.Add(ProtoModels.Node("Relu", ["x"], ["x"])), "'x'");
        Expect("DQ1010", g => g.Initializer.Add(g.Initializer[0].Clone()), "'w'");
        Expect("DQ1010", g => g.Input.Add(g.Input[0].Clone()), "'x'");
        Expect(
            "DQ1011",
            g => g.SparseInitializer.Add(new SparseTensorProto { Values = new() { Name = "sparse" } }),
            "'sparse'"
        );
        Expect(
            "DQ1002",
            g =>
                g.Node[0]
                    .Attribute.Add(
                        new AttributeProto { Name = "body", Type = AttributeProto.Types.AttributeType.Graph }
                    ),
            "'body'",
            "'add'"
        );
    }

    [Fact]
    public void A_cycle_names_a_node_that_is_on_it()
    {
        Expect(
            "DQ1008",
            g =>
                g.Node.AddRange([
                    ProtoModels.Node("Relu", ["b"], ["behind"], "behind"),
                    ProtoModels.Node("Add", ["x", "b"], ["a"], "on_cycle_a"),
                    ProtoModels.Node("Relu", ["a"], ["b"], "on_cycle_b"),
                ]),
            "'on_cycle_"
        );
        Expect("DQ1008", g => g.Node.Add(ProtoModels.Node("Add", ["x", "a"], ["a"], "itself")), "'itself'");
    }

    [Fact]
    public void A_mistake_in_a_subgraph()
    {
        var branch = new GraphProto { Name = "then" };
        branch.Node.Add(ProtoModels.Node("Relu", ["missing"], ["r"], "inner"));
        branch.Output.Add(ProtoModels.Value("r", 1, 2));
        Expect(
            "DQ1009",
            g =>
            {
                var node = ProtoModels.Node("If", ["x"], ["z"], "if");
                node.Attribute.Add(
                    new AttributeProto
                    {
                        Name = "then_branch",
                        Type = AttributeProto.Types.AttributeType.Graph,
                        G = branch,
                    }
                );
                g.Node.Add(node);
            },
            "'missing'"
        );
    }

    private static void Expect(string code, Action<GraphProto> spoil, params string[] names)
    {
        var proto = ProtoModels.Model();
        spoil(proto.Graph);
        Failure.Expect(code, () => proto.Parse(), ["model: ", .. names]);
    }
}
