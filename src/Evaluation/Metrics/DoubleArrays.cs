using System.Buffers.Binary;

namespace DiffusionQuant.Evaluation.Metrics;

/// <summary>Numbers in files, the lowest byte first on every machine.</summary>
internal static class DoubleArrays
{
    private const int BlockNumbers = 8192;

    /// <summary>Writes numbers.</summary>
    public static void Write(BinaryWriter writer, ReadOnlySpan<double> values)
    {
        var buffer = new byte[Math.Min(values.Length, BlockNumbers) * sizeof(double)];
        for (; !values.IsEmpty; values = values[Math.Min(values.Length, BlockNumbers)..])
        {
            var count = Math.Min(values.Length, BlockNumbers);
            for (var i = 0; i < count; i++)
            {
                BinaryPrimitives.WriteDoubleLittleEndian(buffer.AsSpan(i * sizeof(double)), values[i]);
            }

            writer.Write(buffer, 0, count * sizeof(double));
        }
    }

    /// <summary>Reads numbers.</summary>
    /// <exception cref="EndOfStreamException">There are fewer.</exception>
    public static double[] Read(BinaryReader reader, int count)
    {
        var values = new double[count];
        Read(reader, values);
        return values;
    }

    /// <summary>Reads numbers.</summary>
    /// <exception cref="EndOfStreamException">There are fewer.</exception>
    public static void Read(BinaryReader reader, Span<double> values)
    {
        var buffer = new byte[Math.Min(values.Length, BlockNumbers) * sizeof(double)];
        for (; !values.IsEmpty; values = values[Math.Min(values.Length, BlockNumbers)..])
        {
            var count = Math.Min(values.Length, BlockNumbers);
            reader.BaseStream.ReadExactly(buffer, 0, count * sizeof(double));
            for (var i = 0; i < count; i++)
            {
                values[i] = BinaryPrimitives.ReadDoubleLittleEndian(buffer.AsSpan(i * sizeof(double)));
            }
        }
    }
}
