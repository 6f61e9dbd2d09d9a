using System.Runtime.InteropServices;
using DiffusionQuant.Onnx.Protos;
using Google.Protobuf;

namespace DiffusionQuant.Onnx.Serialization;

/// <summary>Reads models: bytes to <see cref="ModelProto"/> to <see cref="OnnxModel"/>, checked on the way.</summary>
internal static class OnnxReader
{
    private const int MaximalNesting = 200;
    private const long LeastIr = 3;
    private const long MostIr = 11;
    private const long LeastOpset = 11;
    private const long MostOpset = 23;

    public static OnnxModel Read(string path)
    {
        if (!File.Exists(path))
        {
            throw OnnxErrors.NotFound(path);
        }

        try
        {
            return ReadFile(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw OnnxErrors.CannotRead(path, e.Message, e);
        }
    }

    public static OnnxModel Parse(ReadOnlyMemory<byte> bytes, string name)
    {
        // Models can be large: what is an array already is not copied.
        var segment = MemoryMarshal.TryGetArray(bytes, out var array) ? array : new(bytes.ToArray());
        using var stream = new MemoryStream(segment.Array!, segment.Offset, segment.Count, writable: false);
        return Read(stream, name, null);
    }

    private static OnnxModel ReadFile(string path)
    {
        if (GitLfs.IsPointer(path))
        {
            throw OnnxErrors.GitLfsPointer(path);
        }

        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20);
        return stream.Length <= int.MaxValue
            ? Read(stream, path, new ExternalData(path))
            : throw OnnxErrors.NotOnnx(
                path,
                "it is larger than 2 GB, which the format does not allow without external data"
            );
    }

    private static OnnxModel Read(Stream stream, string path, ExternalData? externalData)
    {
        if (stream.Length == 0)
        {
            throw OnnxErrors.NotOnnx(path, "it is empty");
        }

        var proto = ReadProto(stream, path);
        if (!proto.HasIrVersion || proto.Graph is null)
        {
            throw OnnxErrors.NotOnnx(path, "it holds no graph");
        }

        CheckVersion(path, "IR version", proto.IrVersion, LeastIr, MostIr);
        var reader = new GraphReader(path, externalData);
        foreach (var function in proto.Functions)
        {
            reader.LoadExternalData(function);
        }

        var model = new OnnxModel(reader.Read(proto.Graph))
        {
            IrVersion = proto.IrVersion,
            ProducerName = proto.ProducerName,
            ProducerVersion = proto.ProducerVersion,
            Domain = proto.Domain,
            ModelVersion = proto.ModelVersion,
            DocString = proto.DocString,
            Path = path,
            DataFiles = externalData?.Files ?? [],
        };
        foreach (var opset in proto.OpsetImport)
        {
            var domain = opset.Domain == "ai.onnx" ? "" : opset.Domain;
            if (domain.Length == 0)
            {
                CheckVersion(path, "opset", opset.Version, LeastOpset, MostOpset);
            }

            model.Opsets[domain] = opset.Version;
        }

        model.Metadata.AddRange(proto.MetadataProps.Select(p => KeyValuePair.Create(p.Key, p.Value)));
        model.Functions.AddRange(proto.Functions);
        GraphChecker.Check(model.Graph, path);
        return model;
    }

    private static ModelProto ReadProto(Stream stream, string path)
    {
        try
        {
            return ModelProto.Parser.ParseFrom(CodedInputStream.CreateWithLimits(stream, int.MaxValue, MaximalNesting));
        }
        catch (InvalidProtocolBufferException e)
        {
            throw OnnxErrors.NotOnnx(path, "it is truncated or no ONNX file at all", e);
        }
    }

    private static void CheckVersion(string path, string what, long version, long least, long most)
    {
        if (version < least || version > most)
        {
            throw OnnxErrors.UnsupportedVersion(path, what, version, least, most);
        }
    }
}
