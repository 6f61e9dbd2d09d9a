using System.Globalization;
using DiffusionQuant.Onnx.Protos;

namespace DiffusionQuant.Onnx.Serialization;

/// <summary>Collects tensors for one external file, then writes them one after another.</summary>
internal sealed class ExternalWriter(string name, SaveOptions options)
{
    private const long AlignLarge = 1 << 20;

    private readonly List<(long Offset, ReadOnlyMemory<byte> Data)> parts = [];
    private long end;

    /// <summary>Moves a tensor out if it is large enough; says whether it did.</summary>
    public bool TryMove(OnnxTensor tensor, TensorProto proto)
    {
        if (tensor.Data.Length < options.ExternalThreshold)
        {
            return false;
        }

        // Large tensors start on a page so that a runtime can map them.
        var alignment = tensor.Data.Length >= AlignLarge ? 4096 : 64;
        var offset = (end + alignment - 1) / alignment * alignment;
        parts.Add((offset, tensor.Data));
        end = offset + tensor.Data.Length;
        proto.DataLocation = TensorProto.Types.DataLocation.External;
        proto.ExternalData.Add(Entry("location", name));
        proto.ExternalData.Add(Entry("offset", offset.ToString(CultureInfo.InvariantCulture)));
        proto.ExternalData.Add(Entry("length", tensor.Data.Length.ToString(CultureInfo.InvariantCulture)));
        return true;
    }

    public void WriteTo(string path)
    {
        using var stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 20);
        foreach (var (offset, data) in parts)
        {
            stream.SetLength(Math.Max(stream.Length, offset));
            stream.Position = offset;
            stream.Write(data.Span);
        }
    }

    private static StringStringEntryProto Entry(string key, string value) => new() { Key = key, Value = value };
}
