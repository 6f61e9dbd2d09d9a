using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>Reads NumPy's <c>.npy</c> format, versions 1 to 3, of numbers and booleans in C order.</summary>
internal static partial class NpyReader
{
    private static readonly byte[] Magic = [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    public static OnnxTensor Read(byte[] file, string name, string path)
    {
        if (file.Length < 12 || !file.AsSpan(0, Magic.Length).SequenceEqual(Magic))
        {
            throw DiffusionErrors.BadArrayFile(path, "it does not start as one");
        }

        var isLong = file[6] >= 2;
        var headerLength = isLong
            ? BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(8))
            : BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(8));
        var headerStart = isLong ? 12 : 10;
        if (headerLength < 0 || headerStart + (long)headerLength > file.Length)
        {
            throw DiffusionErrors.BadArrayFile(path, "its header is cut off");
        }

        var header = Encoding.UTF8.GetString(file, headerStart, headerLength);
        var description = Description().Match(header);
        var shape = Shape().Match(header);
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
        var dims = shape
            .Groups[1]
            .Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(d => long.Parse(d, CultureInfo.InvariantCulture))
            .ToArray();
        var data = file.AsMemory(headerStart + headerLength);
        var expected = type.ByteSize(dims.Aggregate(1L, (product, d) => product * d));
        return data.Length >= expected
            ? new(name, type, dims, data[..(int)expected])
            : throw DiffusionErrors.BadArrayFile(
                path,
                $"it should hold {expected} bytes of numbers, but holds {data.Length}"
            );
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

    [GeneratedRegex("'descr'\\s*:\\s*'([^']+)'")]
    private static partial Regex Description();

    [GeneratedRegex("'shape'\\s*:\\s*\\(([0-9,\\s]*)\\)")]
    private static partial Regex Shape();

    [GeneratedRegex("'fortran_order'\\s*:\\s*True")]
    private static partial Regex FortranOrder();
}
