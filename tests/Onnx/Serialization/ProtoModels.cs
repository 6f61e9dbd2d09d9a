using DiffusionQuant.Onnx.Protos;
using Google.Protobuf;

namespace DiffusionQuant.Onnx.Tests.Serialization;

/// <summary>Files as other writers make them: protobuf messages, built by hand.</summary>
internal static class ProtoModels
{
    /// <summary>A valid model: y = Add(x, w) with x and w float[2].</summary>
    public static ModelProto Model()
    {
        var model = new ModelProto
        {
            IrVersion = 8,
            Graph = new() { Name = "g" },
        };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = 17 });
        model.Graph.Input.Add(Value("x", 1, 2));
        model.Graph.Output.Add(Value("y", 1, 2));
        model.Graph.Initializer.Add(Raw("w", 1, [2], new byte[8]));
        model.Graph.Node.Add(Node("Add", ["x", "w"], ["y"], "add"));
        return model;
    }

    public static ValueInfoProto Value(string name, int type, params long[] dims)
    {
        var tensor = new TypeProto.Types.Tensor { ElemType = type, Shape = new() };
        tensor.Shape.Dim.AddRange(dims.Select(d => new TensorShapeProto.Types.Dimension { DimValue = d }));
        return new()
        {
            Name = name,
            Type = new() { TensorType = tensor },
        };
    }

    public static TensorProto Raw(string name, int type, long[] dims, byte[] data)
    {
        var tensor = new TensorProto
        {
            Name = name,
            DataType = type,
            RawData = ByteString.CopyFrom(data),
        };
        tensor.Dims.AddRange(dims);
        return tensor;
    }

    public static TensorProto External(
        string name,
        long[] dims,
        string location,
        string? offset = null,
        string? length = null
    )
    {
        var tensor = new TensorProto
        {
            Name = name,
            DataType = 1,
            DataLocation = TensorProto.Types.DataLocation.External,
        };
        tensor.Dims.AddRange(dims);
        void Add(string key, string? value)
        {
            if (value is not null)
            {
                tensor.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });
            }
        }

        Add("location", location);
        Add("offset", offset);
        Add("length", length);
        return tensor;
    }

    public static NodeProto Node(string opType, string[] inputs, string[] outputs, string name = "")
    {
        var node = new NodeProto { OpType = opType, Name = name };
        node.Input.AddRange(inputs);
        node.Output.AddRange(outputs);
        return node;
    }

    public static OnnxModel Parse(this ModelProto proto) => OnnxModel.Parse(proto.ToByteArray(), "model");

    /// <summary>Writes the model into a file, reads it, writes it to bytes and reads those.</summary>
    public static OnnxModel RoundTrip(this OnnxModel model) => OnnxModel.Parse(model.ToBytes());
}
