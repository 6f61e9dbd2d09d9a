using System.Buffers.Binary;
using System.Numerics;

namespace DiffusionQuant.Evaluation.Features.Checkpoints;

/// <summary>
/// The format before PyTorch 1.6: four pickles (magic number, version, the writer's byte order, the object), a fifth with
/// the keys of the storages, then for each key its number of elements as an int64 and the elements.
/// </summary>
internal sealed class LegacyCheckpoint : StorageSource
{
    private const long Version = 1001;

    // 0x1950A86A20F9469CFC6C, the number that PyTorch marks its files with.
    private static readonly BigInteger Magic = BigInteger.Parse(
        "119547037146038801333356",
        System.Globalization.CultureInfo.InvariantCulture
    );

    private readonly Dictionary<string, long> positions = new(StringComparer.Ordinal);
    private readonly Stream file;

    private LegacyCheckpoint(Stream file) => this.file = file;

    /// <summary>Reads the pickles and finds where the storages lie.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3051 to DQ3054.</exception>
    public static (object? Root, StorageSource Storages) Open(Stream file, string path)
    {
        var input = new PickleStream(file, path);
        var calls = new TensorCalls(path);
        if (PickleMachine.Load(input, calls) is not BigInteger magic || magic != Magic)
        {
            throw CheckpointErrors.NotACheckpoint(path, "it is a pickle, but not of PyTorch");
        }

        if (PickleMachine.Load(input, calls) is not Version)
        {
            throw CheckpointErrors.NotACheckpoint(path, "it is of another version than 1001");
        }

        CheckByteOrder(PickleMachine.Load(input, calls), path);
        var root = PickleMachine.Load(input, calls);
        var keys = PickleMachine.Load(input, calls);
        var checkpoint = new LegacyCheckpoint(file);
        checkpoint.Locate(keys, calls, path);
        return (root, checkpoint);
    }

    public override void Read(StorageReference storage, long offset, Span<byte> destination)
    {
        file.Position = positions[storage.Key] + offset;
        file.ReadExactly(destination);
    }

    public override void Dispose() { }

    private static void CheckByteOrder(object? system, string path)
    {
        if (
            system is not PickleDictionary dictionary
            || !dictionary.Entries.Any(e => e is { Key: "little_endian", Value: true })
        )
        {
            throw CheckpointErrors.NotACheckpoint(path, "its numbers are not in little-endian order");
        }
    }

    private void Locate(object? keys, TensorCalls calls, string path)
    {
        var storages = calls.Storages.ToDictionary(s => s.Key, StringComparer.Ordinal);
        if (keys is not PickleList { Items: var items } || items.Any(k => k is not string))
        {
            throw CheckpointErrors.Damaged(path, "its list of storages is no list of names");
        }

        Span<byte> number = stackalloc byte[8];
        foreach (var key in items.Cast<string>())
        {
            if (file.ReadAtLeast(number, 8, throwOnEndOfStream: false) < 8)
            {
                throw CheckpointErrors.Damaged(path, "it ends before its last storage");
            }

            var count = BinaryPrimitives.ReadInt64LittleEndian(number);
            if (!storages.TryGetValue(key, out var storage) || count != storage.Count)
            {
                throw CheckpointErrors.Damaged(path, "a storage is not of the size that its tensors name");
            }

            if (storage.Bytes > file.Length - file.Position || !positions.TryAdd(key, file.Position))
            {
                throw CheckpointErrors.Damaged(path, "it ends before its last storage");
            }

            file.Position += storage.Bytes;
        }

        if (positions.Count != storages.Count)
        {
            throw CheckpointErrors.Damaged(path, "a storage that tensors name is missing");
        }
    }
}
