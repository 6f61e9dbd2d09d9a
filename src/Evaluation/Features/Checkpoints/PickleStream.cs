using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace DiffusionQuant.Evaluation.Features.Checkpoints;

/// <summary>Reads the operands of pickle instructions.</summary>
/// <param name="stream">The file or the part of it; not read further than asked for.</param>
/// <param name="path">The file's path, for messages.</param>
internal sealed class PickleStream(Stream stream, string path)
{
    // Names in checkpoints are short; a length beyond this is damage or malice, and no memory is taken for it.
    private const int MostBytes = 1 << 20;

    public string Path => path;

    public byte ReadByte()
    {
        var value = stream.ReadByte();
        return value >= 0 ? (byte)value : throw CheckpointErrors.Damaged(path, "its pickle is cut off");
    }

    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16LittleEndian(ReadBytes(2));

    public int ReadInt32() => BinaryPrimitives.ReadInt32LittleEndian(ReadBytes(4));

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(ReadBytes(4));

    public ulong ReadUInt64() => BinaryPrimitives.ReadUInt64LittleEndian(ReadBytes(8));

    public double ReadDouble() => BinaryPrimitives.ReadDoubleBigEndian(ReadBytes(8));

    /// <summary>An int64, or a <see cref="BigInteger"/> where it does not fit.</summary>
    public object ReadLong(int bytes)
    {
        var value = new BigInteger(ReadBytes(bytes));
        return value >= long.MinValue && value <= long.MaxValue ? (object)(long)value : value;
    }

    public string ReadText(ulong length) => Encoding.UTF8.GetString(ReadBytes(length));

    /// <summary>Text up to the end of the line, as the GLOBAL instruction has it.</summary>
    public string ReadLine()
    {
        var bytes = new List<byte>();
        for (var next = ReadByte(); next != '\n'; next = ReadByte())
        {
            bytes.Add(next);
            if (bytes.Count > MostBytes)
            {
                throw CheckpointErrors.TooLarge(path, "a name of too many bytes", MostBytes);
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }

    private byte[] ReadBytes(ulong count)
    {
        if (count > MostBytes)
        {
            throw CheckpointErrors.TooLarge(path, $"a text or number of {count} bytes", MostBytes);
        }

        var bytes = new byte[count];
        return stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) == bytes.Length
            ? bytes
            : throw CheckpointErrors.Damaged(path, "its pickle is cut off");
    }

    private byte[] ReadBytes(int count) => ReadBytes((ulong)count);
}
