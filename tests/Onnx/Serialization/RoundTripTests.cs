using System.Text;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Onnx.Protos;
using Google.Protobuf;

namespace DiffusionQuant.Onnx.Tests.Serialization;

public class RoundTripTests
{
    [Fact]
    public void Attributes_of_every_kind_survive()
    {
        var proto = ProtoModels.Model();
        var node = ProtoModels.Node("Unheard", ["x"], ["z"], "all");
        var tensor = ProtoModels.Raw("", 1, [1], [0, 0, 128, 63]);
        var graph = new GraphProto { Name = "inner" };
        graph.Output.Add(ProtoModels.Value("inner_out", 1, 2));
        graph.Node.Add(ProtoModels.Node("Relu", ["x"], ["inner_out"]));
        void Add(AttributeProto.Types.AttributeType type, AttributeProto attribute)
        {
            attribute.Name = type.ToString();
            attribute.Type = type;
            node.Attribute.Add(attribute);
        }

        Add(AttributeProto.Types.AttributeType.Int, new() { I = long.MinValue });
        Add(AttributeProto.Types.AttributeType.Float, new() { F = 0.1f });
        Add(AttributeProto.Types.AttributeType.String, new() { S = ByteString.CopyFrom(0xFF, 0x41) });
        Add(AttributeProto.Types.AttributeType.Tensor, new() { T = tensor });
        Add(AttributeProto.Types.AttributeType.Graph, new() { G = graph });
        Add(AttributeProto.Types.AttributeType.Ints, new() { Ints = { 1, -2 } });
        Add(AttributeProto.Types.AttributeType.Floats, new() { Floats = { 1, -2 } });
        Add(
            AttributeProto.Types.AttributeType.Strings,
            new() { Strings = { ByteString.CopyFromUtf8("a"), ByteString.Empty } }
        );
        Add(AttributeProto.Types.AttributeType.Tensors, new() { Tensors = { tensor, tensor } });
        Add(AttributeProto.Types.AttributeType.TypeProto, new() { Tp = ProtoModels.Value("", 1, 3).Type });
        Add(AttributeProto.Types.AttributeType.SparseTensor, new() { SparseTensor = new() { Dims = { 4 } } });
        proto.Graph.Node.Add(node);
        var written = ModelProto.Parser.ParseFrom(proto.Parse().ToBytes());
        Assert.Equal(node.Attribute, written.Graph.Node[1].Attribute);
        Assert.Equal(written, ModelProto.Parser.ParseFrom(proto.Parse().RoundTrip().ToBytes()));
    }

    [Fact]
    public void Everything_around_the_graph_survives()
    {
        var proto = ProtoModels.Model();
        (proto.ProducerName, proto.ProducerVersion, proto.Domain) = ("pytorch", "2.9", "org.example");
        (proto.ModelVersion, proto.DocString, proto.Graph.DocString) = (7, "a doc", "another");
        proto.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 });
        proto.MetadataProps.Add(new StringStringEntryProto { Key = "k", Value = "v" });
        proto.Graph.MetadataProps.Add(new StringStringEntryProto { Key = "graph", Value = "v" });
        proto.Graph.Node[0].MetadataProps.Add(new StringStringEntryProto { Key = "node", Value = "v" });
        proto.Graph.Node[0].DocString = "node's doc";
        proto.Graph.ValueInfo.Add(ProtoModels.Value("unused", 10, 1));
        Assert.Equal(proto, ModelProto.Parser.ParseFrom(proto.Parse().ToBytes()));
        Assert.Equal(proto, ModelProto.Parser.ParseFrom(proto.Parse().Clone().ToBytes()));
    }

    /// <summary>Consumers bind inputs by position and by name, and pin sizes by the names of dimensions.</summary>
    [Fact]
    public void Inputs_and_outputs_survive_byte_for_byte()
    {
        var proto = new ModelProto
        {
            IrVersion = 8,
            Graph = new() { Name = "g" },
        };
        proto.OpsetImport.Add(new OperatorSetIdProto { Version = 17 });
        var odd = ProtoModels.Value("sample with spaces", 1, 1);
        odd.DocString = "documented";
        odd.Type.Denotation = "IMAGE";
        var shape = odd.Type.TensorType.Shape;
        shape.Dim.Clear();
        shape.Dim.Add(
            new TensorShapeProto.Types.Dimension { DimParam = "floor(height/8) + 1", Denotation = "DATA_FEATURE" }
        );
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimParam = "" });
        shape.Dim.Add(new TensorShapeProto.Types.Dimension());
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = -1 });
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = 0 });
        proto.Graph.Input.Add(odd);
        proto.Graph.Input.Add(ProtoModels.Value("scalar", 7));
        proto.Graph.Input.Add(
            new ValueInfoProto
            {
                Name = "unknown_rank",
                Type = new() { TensorType = new() { ElemType = 10 } },
            }
        );
        proto.Graph.Input.Add(new ValueInfoProto { Name = "no_type" });
        proto.Graph.Input.Add(
            new ValueInfoProto
            {
                Name = "sequence",
                Type = new() { SequenceType = new() { ElemType = ProtoModels.Value("", 1, 2).Type } },
            }
        );
        proto.Graph.Output.AddRange(proto.Graph.Input.Reverse());
        var model = proto.Parse();
        Assert.Equal("[floor(height/8) + 1,?,?,?,0]", model.Graph.Inputs[0].Shape!.ToString());
        Assert.Equal(0, model.Graph.Inputs[1].Shape!.Rank);
        Assert.Null(model.Graph.Inputs[2].Shape);
        var written = ModelProto.Parser.ParseFrom(model.ToBytes());
        Assert.Equal(
            proto.Graph.Input.Select(i => i.ToByteString()),
            written.Graph.Input.Select(i => i.ToByteString())
        );
        Assert.Equal(
            proto.Graph.Output.Select(i => i.ToByteString()),
            written.Graph.Output.Select(i => i.ToByteString())
        );

        // A new name takes the rest along; a new type or shape replaces it.
        var renamed = odd.Clone();
        renamed.Name = "other";
        model.Graph.Inputs[0] = model.Graph.Inputs[0] with { Name = "other" };
        model.Graph.Outputs.RemoveAll(o => o.Name == "sample with spaces");
        Assert.Equal(renamed, ModelProto.Parser.ParseFrom(model.ToBytes()).Graph.Input[0]);
        model.Graph.Inputs[0] = model.Graph.Inputs[0] with { Shape = [2] };
        Assert.Equal(ProtoModels.Value("other", 1, 2), ModelProto.Parser.ParseFrom(model.ToBytes()).Graph.Input[0]);
    }

    [Fact]
    public void Inputs_that_only_repeat_initializers_are_none()
    {
        var proto = ProtoModels.Model();
        proto.IrVersion = 3;
        proto.Graph.Input.Insert(0, ProtoModels.Value("w", 1, 2));
        var model = proto.Parse();
        Assert.Equal(["x"], model.Graph.Inputs.Select(i => i.Name));
        Assert.Equal(["w"], model.Graph.Initializers.Keys);
    }

    [Fact]
    public void Nodes_are_sorted_and_subgraphs_capture_outer_values()
    {
        var b = new GraphBuilder();
        var (x, condition) = (b.Input("x", ElementType.Float, 2), b.Input("c", ElementType.Bool));
        var late = b.Op("Neg", x);
        var (then, other) = (b.Subgraph("then"), b.Subgraph("else"));
        then.Output(then.Op("Relu", late), "a", ElementType.Float, 2);
        other.Output(other.Op("Identity", x), "b", ElementType.Float, 2);
        var y = b.Op(
            "If",
            [condition],
            ("then_branch", new AttributeValue.Graph(then.Graph)),
            ("else_branch", new AttributeValue.Graph(other.Graph))
        );
        b.Output(y, "y", ElementType.Float, 2);
        var model = b.Build();
        model.Graph.Nodes.Reverse();
        var read = model.RoundTrip();
        Assert.Equal(["Neg", "If"], read.Graph.Nodes.Select(n => n.OpType));
        Assert.Equal(["c", late.Name, "x"], GraphChecker.Reads(read.Graph.Nodes[1]));
    }

    [Theory]
    [InlineData(NameStyle.Scoped, false)]
    [InlineData(NameStyle.Dynamo, false)]
    [InlineData(NameStyle.Numbered, true)]
    public void Whole_models_survive(NameStyle style, bool half)
    {
        var model = DdpmUNet.Build(DdpmUNetSettings.Tiny with { NameStyle = style, HalfPrecision = half });
        var read = model.RoundTrip();
        Assert.Equal(GraphText.Print(model.Graph), GraphText.Print(read.Graph));
        Assert.Equal(model.ToBytes(), read.ToBytes());
        Assert.All(
            model.Graph.Initializers.Values,
            t => Assert.True(t.Data.Span.SequenceEqual(read.Graph.Initializers[t.Name].Data.Span))
        );
    }

    [Fact]
    public void Opaque_attributes_follow_their_key()
    {
        var source = new AttributeProto
        {
            Name = "old",
            Type = AttributeProto.Types.AttributeType.TypeProto,
            Tp = new(),
        };
        var proto = ProtoModels.Model();
        proto.Graph.Node[0].Attribute.Add(source);
        var model = proto.Parse();
        var node = model.Graph.Nodes[0];
        node.Attributes["new"] = node.Attributes["old"];
        Assert.Equal(
            ["old", "new"],
            ModelProto.Parser.ParseFrom(model.ToBytes()).Graph.Node[0].Attribute.Select(a => a.Name)
        );
        Assert.Equal("old", source.Name);
        Assert.Equal("é", new AttributeValue.Text(Encoding.UTF8.GetBytes("é")).Value);
    }

    [Fact]
    public void Copies_share_no_subgraphs()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, 2);
        var then = b.Subgraph("then");
        then.Output(then.Op("Relu", x), "a", ElementType.Float, 2);
        var y = b.Op("If", [b.Input("c", ElementType.Bool)], ("then_branch", new AttributeValue.Graph(then.Graph)));
        b.Output(y, "y", ElementType.Float, 2);
        var model = b.Build();
        var before = GraphText.Print(model.Graph);
        var copy = model.Clone();
        copy.Graph.RedirectReaders("x", "c");
        Assert.NotEqual(before, GraphText.Print(copy.Graph));
        Assert.Equal(before, GraphText.Print(model.Graph));
    }
}
