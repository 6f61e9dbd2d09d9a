using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>The beginning of a file in NumPy's <c>.npy</c> format: what the numbers behind it are.</summary>
/// <param name="ElementType">The numbers' type; they are little endian and in C order.</param>
/// <param name="Dims">The array's sizes; empty for a scalar.</param>
public sealed partial record NpyHeader(ElementType ElementType, IReadOnlyList<long> Dims)
{
    /// <summary>Far more than any array of numbers needs.</summary>
    private const int LongestText = 1 << 20;
    private static readonly byte[] Magic = [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>How many bytes the numbers take.</summary>
    /// <exception cref="OverflowException">More than 2^63.</exception>
    public long ByteSize => ElementType.ByteSize(Dims.Aggregate(1L, (product, d) => checked(product * d)));

    /// <summary>Reads a header, versions 1 to 3, and leaves the stream at the first number.</summary>
    /// <param name="stream">The file's content from its start.</param>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1052: it is no such file, or its numbers are of a kind
    /// that is not supported.</exception>
    public static NpyHeader Read(Stream stream, string path)
    {
        Span<byte> start = stackalloc byte[12];
        if (stream.ReadAtLeast(start[..10], 10, throwOnEndOfStream: false) < 10 || !start.StartsWith(Magic))
        {
            throw DiffusionErrors.BadArrayFile(path, "it does not start as one");
        }

        var length = (int)BinaryPrimitives.ReadUInt16LittleEndian(start[8..]);
        if (start[6] >= 2)
        {
            if (stream.ReadAtLeast(start[10..], 2, throwOnEndOfStream: false) < 2)
            {
                throw DiffusionErrors.BadArrayFile(path, "its header is cut off");
            }

            length = BinaryPrimitives.ReadInt32LittleEndian(start[8..]);
        }

        if (length is < 0 or > LongestText)
        {
            throw DiffusionErrors.BadArrayFile(path, "its header is cut off");
        }

        var text = new byte[length];
        return stream.ReadAtLeast(text, length, throwOnEndOfStream: false) == length
            ? Parse(Encoding.UTF8.GetString(text), path)
            : throw DiffusionErrors.BadArrayFile(path, "its header is cut off");
    }

    /// <summary>Writes the header, version 1, as NumPy does; the numbers follow it.</summary>
    /// <param name="stream">The file.</param>
    /// <exception cref="NotSupportedException">NumPy has no name for <see cref="ElementType"/>.</exception>
    public void Write(Stream stream)
    {
        const int Alignment = 64;
        var sizes = string.Join(", ", Dims.Select(d => d.ToString(CultureInfo.InvariantCulture)));
        var shape = Dims.Count == 1 ? $"({sizes},)" : $"({sizes})";
        var text = $"{{'descr': '{NameOf(ElementType)}', 'fortran_order': False, 'shape': {shape}, }}";
        var used = Magic.Length + 4 + text.Length + 1;
        var padded = text + new string(' ', (Alignment - (used % Alignment)) % Alignment) + "\n";
        Span<byte> start = [.. Magic, 1, 0, 0, 0];
        BinaryPrimitives.WriteUInt16LittleEndian(start[8..], checked((ushort)padded.Length));
        stream.Write(start);
        stream.Write(Encoding.ASCII.GetBytes(padded));
    }

    private static NpyHeader Parse(string header, string path)
    {
        var description = DescriptionText().Match(header);
        var shape = ShapeText().Match(header);
        if (!description.Success || !shape.Success)
        {
            throw DiffusionErrors.BadArrayFile(path, "its header names no type or shape");
        }

        if (FortranOrder().IsMatch(header))
        {
            throw DiffusionErrors.BadArrayFile(path, "it is in Fortran order; use numpy.ascontiguousarray");
        }

        var type =
            TypeOf(description.Groups[1].Value)
            ?? throw DiffusionErrors.BadArrayFile(
                path,
                $"its element type {description.Groups[1].Value} is not supported"
            );
        var sizes = shape
            .Groups[1]
            .Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var dims = new long[sizes.Length];
        for (var i = 0; i < dims.Length; i++)
        {
            if (!long.TryParse(sizes[i], NumberStyles.None, CultureInfo.InvariantCulture, out dims[i]))
            {
                throw DiffusionErrors.BadArrayFile(path, $"its size {sizes[i]} is no number");
            }
        }

        var result = new NpyHeader(type, dims);
        try
        {
            _ = result.ByteSize;
            return result;
        }
        catch (OverflowException e)
        {
            throw DiffusionErrors.BadArrayFile(path, $"its shape ({shape.Groups[1].Value}) is too large", e);
        }
    }

    private static ElementType? TypeOf(string description) =>
        description.TrimStart('<', '|', '=') switch
        {
            "f2" => ElementType.Float16,
            "f4" => ElementType.Float,
            "f8" => ElementType.Double,
            "i1" => ElementType.Int8,
            "i2" => ElementType.Int16,
            "i4" => ElementType.Int32,
            "i8" => ElementType.Int64,
            "u1" => ElementType.UInt8,
            "u2" => ElementType.UInt16,
            "u4" => ElementType.UInt32,
            "u8" => ElementType.UInt64,
            "b1" => ElementType.Bool,
            _ => null,
        };

    private static string NameOf(ElementType type) =>
        type switch
        {
            ElementType.Float16 => "<f2",
            ElementType.Float => "<f4",
            ElementType.Double => "<f8",
            ElementType.Int8 => "|i1",
            ElementType.Int16 => "<i2",
            ElementType.Int32 => "<i4",
            ElementType.Int64 => "<i8",
            ElementType.UInt8 => "|u1",
            ElementType.UInt16 => "<u2",
            ElementType.UInt32 => "<u4",
            ElementType.UInt64 => "<u8",
            ElementType.Bool => "|b1",
            _ => throw new NotSupportedException($"NumPy has no name for {type}."),
        };

    [GeneratedRegex("'descr'\\s*:\\s*'([^']+)'")]
    private static partial Regex DescriptionText();

    [GeneratedRegex("'shape'\\s*:\\s*\\(([0-9,\\s]*)\\)")]
    private static partial Regex ShapeText();

    [GeneratedRegex("'fortran_order'\\s*:\\s*True")]
    private static partial Regex FortranOrder();
}
