using DiffusionQuant.Onnx.Protos;
using Google.Protobuf;

namespace DiffusionQuant.Onnx.Serialization;

/// <summary>Turns protobuf messages into graphs, nodes and tensors.</summary>
/// <param name="path">What to call the model in messages.</param>
/// <param name="externalData">Where tensors may keep their data; null when they may not.</param>
internal sealed class GraphReader(string path, ExternalData? externalData)
{
    private readonly TensorReader tensors = new(path, externalData);

    /// <summary>A graph with its subgraphs.</summary>
    public OnnxGraph Read(GraphProto proto)
    {
        if (proto.SparseInitializer.Count > 0)
        {
            throw OnnxErrors.Unsupported(
                path,
                $"the sparse initializer '{proto.SparseInitializer[0].Values?.Name}'",
                "Export the model with dense weights."
            );
        }

        var graph = new OnnxGraph { Name = proto.Name, DocString = proto.DocString };
        foreach (var initializer in proto.Initializer)
        {
            if (!graph.Initializers.TryAdd(initializer.Name, tensors.Read(initializer, "(unnamed)")))
            {
                throw OnnxErrors.DefinedTwice(path, initializer.Name);
            }
        }

        // Old files list every initializer among the inputs too; such an input is a default value, not something to feed.
        graph.Inputs.AddRange(proto.Input.Where(i => !graph.Initializers.ContainsKey(i.Name)).Select(Value));
        graph.Outputs.AddRange(proto.Output.Select(Value));
        foreach (var info in proto.ValueInfo)
        {
            graph.ValueInfos[info.Name] = Value(info);
        }

        graph.Nodes.AddRange(proto.Node.Select(Node));
        graph.Metadata.AddRange(proto.MetadataProps.Select(p => KeyValuePair.Create(p.Key, p.Value)));
        return graph;
    }

    /// <summary>What a file says about a value.</summary>
    public static ValueInfo Value(ValueInfoProto proto)
    {
        var tensor = proto.Type?.TensorType;
        var type = (ElementType)(tensor?.ElemType ?? 0);
        var shape = tensor?.Shape is { } s ? new TensorShape(s.Dim.Select(Dimension)) : null;
        return new(proto.Name, type, shape) { Source = proto, SourceState = (type, shape) };
    }

    private static Dimension Dimension(TensorShapeProto.Types.Dimension proto) =>
        proto.ValueCase switch
        {
            // Some writers mark what they do not know by -1.
            TensorShapeProto.Types.Dimension.ValueOneofCase.DimValue when proto.DimValue >= 0 => proto.DimValue,
            TensorShapeProto.Types.Dimension.ValueOneofCase.DimParam when proto.DimParam.Length > 0 => proto.DimParam,
            _ => Onnx.Dimension.Unknown,
        };

    /// <summary>A node; references to a function's attributes stay as they are.</summary>
    public OnnxNode Node(NodeProto proto)
    {
        var node = new OnnxNode(proto.OpType, proto.Input, proto.Output, proto.Name, proto.Domain)
        {
            DocString = proto.DocString,
            Overload = proto.Overload,
        };
        foreach (var attribute in proto.Attribute)
        {
            node.Attributes[attribute.Name] = Attribute(attribute, node.DisplayName);
        }

        node.Metadata.AddRange(proto.MetadataProps.Select(p => KeyValuePair.Create(p.Key, p.Value)));
        return node;
    }

    /// <summary>The value of an attribute.</summary>
    /// <param name="proto">The attribute.</param>
    /// <param name="owner">The name of the node or function that it belongs to, for messages.</param>
    public AttributeValue Attribute(AttributeProto proto, string owner)
    {
        switch (proto)
        {
            case { RefAttrName.Length: > 0 }:
                return new AttributeValue.Opaque(proto);
            case { Type: AttributeProto.Types.AttributeType.Int }:
                return proto.I;
            case { Type: AttributeProto.Types.AttributeType.Float }:
                return proto.F;
            case { Type: AttributeProto.Types.AttributeType.String }:
                return new AttributeValue.Text(proto.S.Memory);
            case { Type: AttributeProto.Types.AttributeType.Tensor, T: { } tensor }:
                return tensors.Read(tensor, $"attribute '{proto.Name}' of node '{owner}'");
            case { Type: AttributeProto.Types.AttributeType.Graph, G: { } graph }:
                return new AttributeValue.Graph(Read(graph));
            case { Type: AttributeProto.Types.AttributeType.Ints }:
                return new AttributeValue.Ints([.. proto.Ints]);
            case { Type: AttributeProto.Types.AttributeType.Floats }:
                return new AttributeValue.Floats([.. proto.Floats]);
            case { Type: AttributeProto.Types.AttributeType.Strings }:
                return new AttributeValue.Texts([.. proto.Strings.Select(s => s.Memory)]);
            case { Type: AttributeProto.Types.AttributeType.Tensors }:
                return new AttributeValue.Tensors([
                    .. proto.Tensors.Select(t => tensors.Read(t, $"attribute '{proto.Name}' of node '{owner}'")),
                ]);
            case { Type: AttributeProto.Types.AttributeType.Graphs }:
                return new AttributeValue.Graphs([.. proto.Graphs.Select(Read)]);
            case { Type: AttributeProto.Types.AttributeType.Tensor or AttributeProto.Types.AttributeType.Graph }:
                throw OnnxErrors.NotOnnx(path, $"the attribute '{proto.Name}' of node '{owner}' holds no value");
            default:
                return new AttributeValue.Opaque(proto);
        }
    }

    /// <summary>
    /// Puts data that a function's constants keep in other files into the function itself, so that it can be carried
    /// along unread and written anywhere.
    /// </summary>
    public void LoadExternalData(FunctionProto function)
    {
        foreach (var node in function.Node)
        {
            LoadExternalData(node);
        }
    }

    private void LoadExternalData(NodeProto node)
    {
        foreach (var attribute in node.Attribute)
        {
            foreach (var tensor in attribute.Tensors.Append(attribute.T).Concat(Initializers(attribute)))
            {
                if (tensor is { DataLocation: TensorProto.Types.DataLocation.External })
                {
                    tensor.RawData = UnsafeByteOperations.UnsafeWrap(
                        tensors.Read(tensor, $"of node '{node.Name}'").Data
                    );
                    tensor.ExternalData.Clear();
                    tensor.ClearDataLocation();
                }
            }

            foreach (var inner in Subgraphs(attribute).SelectMany(g => g.Node))
            {
                LoadExternalData(inner);
            }
        }
    }

    private static IEnumerable<GraphProto> Subgraphs(AttributeProto attribute) =>
        attribute.G is null ? attribute.Graphs : attribute.Graphs.Append(attribute.G);

    private static IEnumerable<TensorProto> Initializers(AttributeProto attribute) =>
        Subgraphs(attribute).SelectMany(g => g.Initializer);
}
