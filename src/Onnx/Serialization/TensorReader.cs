using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Onnx.Protos;

namespace DiffusionQuant.Onnx.Serialization;

/// <summary>Turns protobuf tensors into tensors over the same bytes, and checks that type, sizes and bytes fit.</summary>
/// <param name="path">What to call the model in messages.</param>
/// <param name="externalData">Where tensors may keep their data; null when they may not.</param>
internal sealed class TensorReader(string path, ExternalData? externalData)
{
    /// <summary>A tensor, its bytes where they lie.</summary>
    /// <param name="proto">The tensor.</param>
    /// <param name="place">What to call it in messages when it has no name itself.</param>
    public OnnxTensor Read(TensorProto proto, string place)
    {
        var name = proto.Name.Length > 0 ? proto.Name : place;
        var type = (ElementType)proto.DataType;
        var dims = proto.Dims.ToArray();
        var count = Count(name, dims);
        if (type == ElementType.String)
        {
            return proto.StringData.Count == count
                ? new(proto.Name, dims, [.. proto.StringData.Select(s => s.Memory)])
                : throw Mismatch(name, $"{count} strings", $"{proto.StringData.Count}");
        }

        if (type.BitsOf() == 0)
        {
            throw OnnxErrors.BadTensor(path, name, $"its element type {proto.DataType} is unknown");
        }

        if (count > (long)int.MaxValue * 8 / type.BitsOf())
        {
            throw OnnxErrors.BadTensor(path, name, $"its shape [{string.Join(',', dims)}] takes more than 2 GB");
        }

        var expected = type.ByteSize(count);
        var data = proto switch
        {
            { DataLocation: TensorProto.Types.DataLocation.External } => External(proto, name, expected),
            { HasRawData: true } => proto.RawData.Memory,
            _ => TypedFields.ToRaw(proto, type, count)
                ?? throw Mismatch(name, $"{count} elements", "another number in the field of its type"),
        };
        return data.Length == expected
            ? new(proto.Name, type, dims, data)
            : throw Mismatch(name, $"{expected} bytes", $"{data.Length}");
    }

    private ReadOnlyMemory<byte> External(TensorProto proto, string name, long expected) =>
        externalData?.Map(proto, name, expected)
        ?? throw OnnxErrors.Unsupported(
            path,
            $"external data (tensor '{name}') of a model that is read from memory",
            "Load the model from its file."
        );

    private DiffusionQuantException Mismatch(string tensor, string expected, string found) =>
        OnnxErrors.BadTensor(path, tensor, $"its type and shape take {expected}, it holds {found}");

    private long Count(string name, long[] dims)
    {
        try
        {
            var count = 1L;
            foreach (var d in dims)
            {
                if (d < 0)
                {
                    throw OnnxErrors.BadTensor(path, name, $"its shape is [{string.Join(',', dims)}]");
                }

                count = checked(count * d);
            }

            return count;
        }
        catch (OverflowException)
        {
            throw OnnxErrors.BadTensor(path, name, $"its shape [{string.Join(',', dims)}] is absurdly large");
        }
    }
}
