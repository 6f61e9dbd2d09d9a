using Google.Protobuf;

namespace DiffusionQuant.Onnx.Serialization;

/// <summary>Writes models. Tensors' bytes go from where they lie straight to the file.</summary>
internal static class OnnxWriter
{
    // Messages are limited to 2 GB; the rest is room for everything but the tensors.
    private const long MostInside = int.MaxValue - (1L << 24);

    public static void Write(OnnxModel model, string path, SaveOptions options)
    {
        var fullPath = Path.GetFullPath(path);
        var folder = Path.GetDirectoryName(fullPath)!;
        var externalName = options.ExternalDataName ?? Path.GetFileName(path) + ".data";
        if (
            externalName.Length == 0
            || externalName.AsSpan().ContainsAny('/', '\\', ':')
            || externalName is "." or ".."
        )
        {
            throw new ArgumentException($"'{externalName}' is no file name.", nameof(options));
        }

        var external =
            InlineSize(model.Graph) > Math.Min(options.SingleFileLimit, MostInside)
                ? new ExternalWriter(externalName, options)
                : null;
        try
        {
            Directory.CreateDirectory(folder);
            var proto = new GraphWriter(external).Write(model);
            using var files = new FileSwap();
            if (external is not null)
            {
                external.WriteTo(files.Add(Path.Combine(folder, externalName)));
            }

            using (
                var stream = new FileStream(
                    files.Add(fullPath),
                    FileMode.CreateNew,
                    FileAccess.Write,
                    FileShare.None,
                    1 << 20
                )
            )
            {
                proto.WriteTo(stream);
            }

            files.Commit();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw OnnxErrors.CannotWrite(path, e.Message, e);
        }
    }

    public static byte[] ToBytes(OnnxModel model)
    {
        var proto = new GraphWriter(null).Write(model);
        return InlineSize(model.Graph) <= MostInside
            ? proto.ToByteArray()
            : throw OnnxErrors.CannotWrite(model.Path ?? "model", "it is larger than 2 GB and needs external data");
    }

    /// <summary>Bytes of all tensors, those of attributes and subgraphs too.</summary>
    internal static long InlineSize(OnnxGraph graph) =>
        graph.Initializers.Values.Sum(t => (long)t.Data.Length)
        + graph.Nodes.SelectMany(n => n.Attributes.Values).Sum(InlineSize);

    private static long InlineSize(AttributeValue value) =>
        value switch
        {
            AttributeValue.Tensor t => t.Value.Data.Length,
            AttributeValue.Tensors t => t.Values.Sum(v => (long)v.Data.Length),
            AttributeValue.Graph g => InlineSize(g.Value),
            AttributeValue.Graphs g => g.Values.Sum(InlineSize),
            _ => 0,
        };
}
