namespace DiffusionQuant.Quantization.Export;

/// <summary>
/// Packs codes of 1 to 8 bits without waste: a width is cut into planes of 8, 4, 2 and 1 bits (3 = 2 + 1, 7 = 4 + 2 + 1), and
/// each plane holds 8 / width codes in a byte. Element <c>e</c> of n lies in byte <c>e mod m</c>, field <c>e div m</c>,
/// where m is the plane's length: so unpacking is one shift per field and a concatenation, which ONNX Runtime folds.
/// </summary>
public static class BitPacking
{
    /// <summary>A plane: the bits <c>Shift … Shift + Width − 1</c> of every code.</summary>
    /// <param name="Width">8, 4, 2 or 1.</param>
    /// <param name="Shift">Where the plane's bits stand in a code.</param>
    /// <param name="Bytes">The packed fields.</param>
    public sealed record Plane(int Width, int Shift, byte[] Bytes)
    {
        /// <summary>How many codes a byte holds.</summary>
        public int FieldsPerByte => 8 / Width;
    }

    /// <summary>Packs codes.</summary>
    /// <param name="codes">Each below 2^bits.</param>
    /// <param name="bits">1 to 8.</param>
    public static IReadOnlyList<Plane> Pack(ReadOnlySpan<byte> codes, int bits)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(bits is >= 1 and <= 8, true);
        var planes = new List<Plane>();
        var shift = 0;
        foreach (var width in (int[])[8, 4, 2, 1])
        {
            if ((bits & width) != 0)
            {
                planes.Add(PackPlane(codes, width, shift));
                shift += width;
            }
        }

        return planes;
    }

    /// <summary>The codes again: the reference for the nodes that decode in the file.</summary>
    public static byte[] Unpack(IReadOnlyList<Plane> planes, int count)
    {
        var codes = new byte[count];
        foreach (var plane in planes)
        {
            var mask = (1 << plane.Width) - 1;
            for (var e = 0; e < count; e++)
            {
                var field = plane.Bytes[e % plane.Bytes.Length] >> (e / plane.Bytes.Length * plane.Width);
                codes[e] |= (byte)((field & mask) << plane.Shift);
            }
        }

        return codes;
    }

    private static Plane PackPlane(ReadOnlySpan<byte> codes, int width, int shift)
    {
        var fields = 8 / width;
        var bytes = new byte[(codes.Length + fields - 1) / fields];
        var mask = (1 << width) - 1;
        for (var e = 0; e < codes.Length; e++)
        {
            bytes[e % bytes.Length] |= (byte)(((codes[e] >> shift) & mask) << (e / bytes.Length * width));
        }

        return new(width, shift, bytes);
    }
}
