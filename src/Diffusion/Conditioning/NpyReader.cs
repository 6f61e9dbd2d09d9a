using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>Reads NumPy's <c>.npy</c> format, versions 1 to 3, of numbers and booleans in C order.</summary>
internal static class NpyReader
{
    public static OnnxTensor Read(byte[] file, string name, string path)
    {
        using var stream = new MemoryStream(file, writable: false);
        var header = NpyHeader.Read(stream, path);
        var data = file.AsMemory((int)stream.Position);
        var expected = header.ByteSize;
        return data.Length >= expected
            ? new(name, header.ElementType, [.. header.Dims], data[..(int)expected])
            : throw DiffusionErrors.BadArrayFile(
                path,
                $"it should hold {expected} bytes of numbers, but holds {data.Length}"
            );
    }
}
