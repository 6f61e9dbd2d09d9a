using System.Security.Cryptography;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Evaluation.Features.Checkpoints;

/// <summary>
/// A file that <c>torch.save</c> wrote, in the format of PyTorch since 1.6 or in the one before. Nothing in it is
/// executed: only tensors and containers are read, tensors one at a time.
/// </summary>
internal sealed class Checkpoint : IDisposable
{
    private readonly FileStream file;
    private readonly StorageSource storages;

    private Checkpoint(string path, FileStream file)
    {
        this.file = file;
        Path = path;
        (var root, storages) = IsZip(file, path) ? ZipCheckpoint.Open(file, path) : LegacyCheckpoint.Open(file, path);
        Tensors = TensorNames.Find(root, path);
    }

    /// <summary>The file's path.</summary>
    public string Path { get; }

    /// <summary>The tensors by name, in nested containers with the keys on the way joined by dots.</summary>
    public IReadOnlyDictionary<string, CheckpointTensor> Tensors { get; }

    /// <summary>Opens a file and reads its structure, without the tensors' elements.</summary>
    /// <exception cref="DiffusionQuantException">DQ3050 to DQ3054.</exception>
    public static Checkpoint Open(string path)
    {
        FileStream file;
        try
        {
            file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 16);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw CheckpointErrors.CannotRead(path, e.Message.TrimEnd('.'), e);
        }

        try
        {
            return Guarded(path, () => new Checkpoint(path, file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads a tensor, whatever its strides, into elements in a row.</summary>
    /// <param name="name">A name of <see cref="Tensors"/>.</param>
    /// <exception cref="DiffusionQuantException">DQ3052: the file is damaged; DQ3054: the tensor has more than 2 GB.</exception>
    public OnnxTensor Read(string name)
    {
        var tensor = Tensors[name];
        var size = tensor.Storage.ElementSize;
        var bytes = (UInt128)size;
        foreach (var dimension in tensor.Sizes)
        {
            bytes *= (UInt128)dimension;
            if (bytes > (UInt128)Array.MaxLength || tensor.Extent > Array.MaxLength / size)
            {
                throw CheckpointErrors.TooLarge(Path, $"a tensor '{name}' of too many bytes", Array.MaxLength);
            }
        }

        // What lies between the first and the last element is at most the storage, and so at most the file.
        var row = new byte[tensor.Extent * size];
        Guarded(
            Path,
            () =>
            {
                storages.Read(tensor.Storage, tensor.Offset * size, row);
                return row;
            }
        );
        var data = tensor.IsContiguous ? row : Gather(tensor, row, (int)bytes);
        return new(name, tensor.ElementType, [.. tensor.Sizes], data);
    }

    /// <summary>SHA-256 over the file, in lower-case hexadecimal.</summary>
    public string ComputeSha256() =>
        Guarded(
            Path,
            () =>
            {
                file.Position = 0;
                return Convert.ToHexStringLower(SHA256.HashData(file));
            }
        );

    /// <inheritdoc/>
    public void Dispose()
    {
        storages.Dispose();
        file.Dispose();
    }

    private static bool IsZip(FileStream file, string path)
    {
        Span<byte> start = stackalloc byte[8];
        var read = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        file.Position = 0;
        return start[..read] switch
        {
            [(byte)'P', (byte)'K', 3, 4, ..] => true,
            [0x80, ..] => false,
            _ when start[..read].SequenceEqual("version "u8) => throw CheckpointErrors.NotACheckpoint(
                path,
                "it is a Git LFS pointer; run 'git lfs pull'"
            ),
            _ => throw CheckpointErrors.NotACheckpoint(path, "it starts neither as a zip archive nor as a pickle"),
        };
    }

    private static byte[] Gather(CheckpointTensor tensor, byte[] row, int bytes)
    {
        var size = tensor.Storage.ElementSize;
        var data = new byte[bytes];
        var index = new long[tensor.Sizes.Count];
        var from = 0L;
        for (var to = 0; to < data.Length; to += size)
        {
            row.AsSpan((int)from * size, size).CopyTo(data.AsSpan(to));
            for (var d = index.Length - 1; d >= 0; d--)
            {
                from += tensor.Strides[d];
                if (++index[d] < tensor.Sizes[d])
                {
                    break;
                }

                from -= tensor.Strides[d] * tensor.Sizes[d];
                index[d] = 0;
            }
        }

        return data;
    }

    /// <summary>What the libraries say about files that end too early or whose archive is wrong, as a coded failure.</summary>
    private static T Guarded<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is InvalidDataException or IOException or NotSupportedException)
        {
            throw CheckpointErrors.Damaged(path, e.Message.TrimEnd('.'), e);
        }
    }
}
