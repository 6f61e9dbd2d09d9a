using DiffusionQuant.Onnx.Protos;
using Google.Protobuf;

namespace DiffusionQuant.Onnx.Serialization;

/// <summary>Turns graphs, nodes and tensors into protobuf messages that share the tensors' memory.</summary>
/// <param name="external">Takes large tensors; null when all stay inside.</param>
internal sealed class GraphWriter(ExternalWriter? external)
{
    public ModelProto Write(OnnxModel model)
    {
        var proto = new ModelProto { IrVersion = model.IrVersion, Graph = Write(model.Graph) };
        SetIfAny(model.ProducerName, v => proto.ProducerName = v);
        SetIfAny(model.ProducerVersion, v => proto.ProducerVersion = v);
        SetIfAny(model.Domain, v => proto.Domain = v);
        SetIfAny(model.DocString, v => proto.DocString = v);
        if (model.ModelVersion != 0)
        {
            proto.ModelVersion = model.ModelVersion;
        }

        proto.OpsetImport.AddRange(
            model.Opsets.Select(o => new OperatorSetIdProto { Domain = o.Key, Version = o.Value })
        );
        proto.MetadataProps.AddRange(Entries(model.Metadata));
        proto.Functions.AddRange(model.Functions);
        return proto;
    }

    private GraphProto Write(OnnxGraph graph)
    {
        var proto = new GraphProto { Name = graph.Name.Length > 0 ? graph.Name : "graph" };
        SetIfAny(graph.DocString, v => proto.DocString = v);
        proto.Node.AddRange(graph.Nodes.Select(Write));
        proto.Initializer.AddRange(graph.Initializers.Values.Select(Write));
        proto.Input.AddRange(graph.Inputs.Select(Write));
        proto.Output.AddRange(graph.Outputs.Select(Write));
        proto.ValueInfo.AddRange(graph.ValueInfos.Values.Select(Write));
        proto.MetadataProps.AddRange(Entries(graph.Metadata));
        return proto;
    }

    public NodeProto Write(OnnxNode node)
    {
        var proto = new NodeProto { OpType = node.OpType };
        proto.Input.AddRange(node.Inputs);
        proto.Output.AddRange(node.Outputs);
        SetIfAny(node.Name, v => proto.Name = v);
        SetIfAny(node.Domain, v => proto.Domain = v);
        SetIfAny(node.DocString, v => proto.DocString = v);
        SetIfAny(node.Overload, v => proto.Overload = v);
        proto.Attribute.AddRange(node.Attributes.Select(a => Write(a.Key, a.Value)));
        proto.MetadataProps.AddRange(Entries(node.Metadata));
        return proto;
    }

    private AttributeProto Write(string name, AttributeValue value)
    {
        var proto = new AttributeProto { Name = name };
        switch (value)
        {
            case AttributeValue.Opaque opaque:
                proto = opaque.Source.Clone();
                proto.Name = name;
                return proto;
            case AttributeValue.Int v:
                (proto.Type, proto.I) = (AttributeProto.Types.AttributeType.Int, v.Value);
                break;
            case AttributeValue.Float v:
                (proto.Type, proto.F) = (AttributeProto.Types.AttributeType.Float, v.Value);
                break;
            case AttributeValue.Text v:
                (proto.Type, proto.S) = (AttributeProto.Types.AttributeType.String, Share(v.Utf8));
                break;
            case AttributeValue.Tensor v:
                (proto.Type, proto.T) = (AttributeProto.Types.AttributeType.Tensor, Write(v.Value));
                break;
            case AttributeValue.Graph v:
                (proto.Type, proto.G) = (AttributeProto.Types.AttributeType.Graph, Write(v.Value));
                break;
            case AttributeValue.Ints v:
                proto.Type = AttributeProto.Types.AttributeType.Ints;
                proto.Ints.AddRange(v.Values);
                break;
            case AttributeValue.Floats v:
                proto.Type = AttributeProto.Types.AttributeType.Floats;
                proto.Floats.AddRange(v.Values);
                break;
            case AttributeValue.Texts v:
                proto.Type = AttributeProto.Types.AttributeType.Strings;
                proto.Strings.AddRange(v.Utf8.Select(Share));
                break;
            case AttributeValue.Tensors v:
                proto.Type = AttributeProto.Types.AttributeType.Tensors;
                proto.Tensors.AddRange(v.Values.Select(Write));
                break;
            case AttributeValue.Graphs v:
                proto.Type = AttributeProto.Types.AttributeType.Graphs;
                proto.Graphs.AddRange(v.Values.Select(Write));
                break;
        }

        return proto;
    }

    private TensorProto Write(OnnxTensor tensor)
    {
        var proto = new TensorProto { DataType = (int)tensor.ElementType };
        proto.Dims.AddRange(tensor.Dims.ToArray());
        SetIfAny(tensor.Name, v => proto.Name = v);
        if (tensor.Strings is { } strings)
        {
            proto.StringData.AddRange(strings.Select(Share));
        }
        else if (external is null || !external.TryMove(tensor, proto))
        {
            proto.RawData = Share(tensor.Data);
        }

        return proto;
    }

    private static ValueInfoProto Write(ValueInfo info)
    {
        if (info.Source is { } source && info.SourceState == (info.ElementType, info.Shape))
        {
            // Only the name may have changed: denotations, doc strings and types other than tensors survive.
            if (source.Name != info.Name)
            {
                source = source.Clone();
                source.Name = info.Name;
            }

            return source;
        }

        if (info is { ElementType: ElementType.Undefined, Shape: null })
        {
            // Runtimes infer what is left out, but refuse a type that says "undefined".
            return new() { Name = info.Name };
        }

        var type = new TypeProto.Types.Tensor { ElemType = (int)info.ElementType };
        if (info.Shape is { } shape)
        {
            type.Shape = new();
            type.Shape.Dim.AddRange(shape.Select(Write));
        }

        return new()
        {
            Name = info.Name,
            Type = new() { TensorType = type },
        };
    }

    private static TensorShapeProto.Types.Dimension Write(Dimension dimension) =>
        dimension switch
        {
            { Value: { } value } => new() { DimValue = value },
            { Symbol: { } symbol } => new() { DimParam = symbol },
            _ => new(),
        };

    private static IEnumerable<StringStringEntryProto> Entries(IEnumerable<KeyValuePair<string, string>> pairs) =>
        pairs.Select(p => new StringStringEntryProto { Key = p.Key, Value = p.Value });

    private static ByteString Share(ReadOnlyMemory<byte> bytes) => UnsafeByteOperations.UnsafeWrap(bytes);

    private static void SetIfAny(string value, Action<string> set)
    {
        if (value.Length > 0)
        {
            set(value);
        }
    }
}
