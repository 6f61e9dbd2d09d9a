using System.IO.Compression;

namespace DiffusionQuant.Evaluation.Features.Checkpoints;

/// <summary>
/// The format since PyTorch 1.6: a zip archive of <c>name/data.pkl</c> and one uncompressed entry <c>name/data/key</c>
/// for each storage.
/// </summary>
internal sealed class ZipCheckpoint : StorageSource
{
    private readonly ZipArchive archive;
    private readonly string path;
    private readonly Dictionary<string, ZipArchiveEntry> entries = new(StringComparer.Ordinal);
    private readonly string prefix;

    private ZipCheckpoint(Stream file, string path)
    {
        this.path = path;
        archive = new(file, ZipArchiveMode.Read, leaveOpen: true);
        foreach (var entry in archive.Entries)
        {
            if (!entries.TryAdd(entry.FullName, entry))
            {
                throw CheckpointErrors.Damaged(path, "its archive has two entries of one name");
            }
        }

        var pickles = entries.Keys.Where(n => n.EndsWith("/data.pkl", StringComparison.Ordinal)).ToArray();
        prefix = pickles is [var only]
            ? only[..^"data.pkl".Length]
            : throw CheckpointErrors.NotACheckpoint(path, $"its zip archive has {pickles.Length} entries 'data.pkl'");
        if (entries.ContainsKey($"{prefix}constants.pkl"))
        {
            throw CheckpointErrors.NotACheckpoint(path, "it is a TorchScript program");
        }
    }

    /// <summary>Opens an archive and reads its pickle.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3051 to DQ3054.</exception>
    public static (object? Root, StorageSource Storages) Open(Stream file, string path)
    {
        var checkpoint = new ZipCheckpoint(file, path);
        checkpoint.CheckByteOrder();
        using var stream = new BufferedStream(checkpoint.Uncompressed("data.pkl").Open());
        var calls = new TensorCalls(path);
        var root = PickleMachine.Load(new(stream, path), calls);
        foreach (var storage in calls.Storages)
        {
            checkpoint.EntryOf(storage);
        }

        return (root, checkpoint);
    }

    public override void Read(StorageReference storage, long offset, Span<byte> destination)
    {
        using var stream = EntryOf(storage).Open();
        if (stream.CanSeek)
        {
            stream.Position = offset;
        }
        else
        {
            Skip(stream, offset);
        }

        stream.ReadExactly(destination);
    }

    public override void Dispose() => archive.Dispose();

    private static void Skip(Stream stream, long bytes)
    {
        Span<byte> buffer = stackalloc byte[1 << 14];
        while (bytes > 0)
        {
            var part = buffer[..(int)Math.Min(bytes, buffer.Length)];
            stream.ReadExactly(part);
            bytes -= part.Length;
        }
    }

    private void CheckByteOrder()
    {
        if (entries.ContainsKey($"{prefix}byteorder"))
        {
            using var reader = new StreamReader(Uncompressed("byteorder").Open());
            var word = new char[16];
            var order = new string(word, 0, reader.ReadBlock(word)).Trim();
            if (order != "little")
            {
                throw CheckpointErrors.NotACheckpoint(path, "its numbers are not in little-endian order");
            }
        }
    }

    private ZipArchiveEntry EntryOf(StorageReference storage)
    {
        var entry = Uncompressed($"data/{storage.Key}");
        return entry.Length == storage.Bytes
            ? entry
            : throw CheckpointErrors.Damaged(
                path,
                $"the entry '{entry.FullName}' has {entry.Length} bytes instead of {storage.Bytes}"
            );
    }

    /// <summary>An entry, which PyTorch never compresses: so no entry is larger than the file.</summary>
    private ZipArchiveEntry Uncompressed(string name)
    {
        if (!entries.TryGetValue(prefix + name, out var entry))
        {
            throw CheckpointErrors.Damaged(path, $"its archive has no entry '{prefix}{name}'");
        }

        return entry.CompressedLength == entry.Length
            ? entry
            : throw CheckpointErrors.NotACheckpoint(
                path,
                $"the entry '{entry.FullName}' is compressed, which PyTorch's never are"
            );
    }
}
