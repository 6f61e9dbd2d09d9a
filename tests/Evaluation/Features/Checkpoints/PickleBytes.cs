using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace DiffusionQuant.Evaluation.Tests.Features.Checkpoints;

/// <summary>Writes pickles and checkpoints by hand, right ones and wrong ones.</summary>
internal sealed class PickleBytes
{
    private readonly MemoryStream stream = new();

    public PickleBytes() => Raw(0x80, 2);

    public static byte[] Magic { get; } =
        new PickleBytes().Raw(0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19).End();

    public PickleBytes Raw(params ReadOnlySpan<byte> bytes)
    {
        stream.Write(bytes);
        return this;
    }

    public PickleBytes Op(char instruction) => Raw((byte)instruction);

    public PickleBytes Text(string text)
    {
        Span<byte> length = stackalloc byte[4];
        var bytes = Encoding.UTF8.GetBytes(text);
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        return Op('X').Raw(length).Raw(bytes);
    }

    public PickleBytes Number(long number)
    {
        Span<byte> value = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(value, number);
        return Raw(0x8A, 8).Raw(value);
    }

    public PickleBytes Tuple(params ReadOnlySpan<long> numbers)
    {
        Op('(');
        foreach (var number in numbers)
        {
            Number(number);
        }

        return Op('t');
    }

    public PickleBytes Global(string module, string name) => Op('c').Raw(Encoding.UTF8.GetBytes($"{module}\n{name}\n"));

    /// <summary>A float storage.</summary>
    public PickleBytes Storage(string key, long count, string type = "FloatStorage") =>
        Op('(').Text("storage").Global("torch", type).Text(key).Text("cpu").Number(count).Op('t').Op('Q');

    /// <summary>A float tensor over the whole of a storage of its own, or whatever the numbers say.</summary>
    public PickleBytes Tensor(string key, long count, long offset, long[] sizes, long[] strides)
    {
        Global("torch._utils", "_rebuild_tensor_v2").Op('(').Storage(key, count).Number(offset);
        return Tuple(sizes).Tuple(strides).Raw(0x89).Op('N').Op('t').Op('R');
    }

    public byte[] End()
    {
        Op('.');
        return stream.ToArray();
    }

    /// <summary>A file in the format before PyTorch 1.6.</summary>
    public static byte[] Legacy(byte[] pickle, params ReadOnlySpan<(string Key, float[] Values)> storages)
    {
        var file = new MemoryStream();
        file.Write(Magic);
        file.Write(new PickleBytes().Number(1001).End());
        file.Write(new PickleBytes().Op('}').Text("little_endian").Raw(0x88).Op('s').End());
        file.Write(pickle);
        var keys = new PickleBytes().Op(']').Op('(');
        foreach (var (key, _) in storages)
        {
            keys.Text(key);
        }

        file.Write(keys.Op('e').End());
        foreach (var (_, values) in storages)
        {
            file.Write(BitConverter.GetBytes((long)values.Length));
            foreach (var value in values)
            {
                file.Write(BitConverter.GetBytes(value));
            }
        }

        return file.ToArray();
    }

    /// <summary>A file in the format since PyTorch 1.6; storages are written by calls, so that they may be large.</summary>
    public static void WriteZip(
        Stream file,
        byte[] pickle,
        IEnumerable<(string Key, Action<Stream> Write)> storages,
        CompressionLevel level = CompressionLevel.NoCompression,
        string? byteOrder = null
    )
    {
        using var archive = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true);
        Add("data.pkl", s => s.Write(pickle));
        if (byteOrder is not null)
        {
            Add("byteorder", s => s.Write(Encoding.ASCII.GetBytes(byteOrder)));
        }

        foreach (var (key, write) in storages)
        {
            Add($"data/{key}", write);
        }

        void Add(string name, Action<Stream> write)
        {
            using var stream = archive.CreateEntry($"archive/{name}", level).Open();
            write(stream);
        }
    }
}
