using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>Takes rows (entries of the first dimension) of a tensor.</summary>
internal static class TensorRows
{
    public static OnnxTensor Take(OnnxTensor tensor, ReadOnlySpan<int> rows)
    {
        var size = checked((int)(tensor.Data.Length / tensor.Dims[0]));
        var bytes = new byte[checked(size * rows.Length)];
        for (var i = 0; i < rows.Length; i++)
        {
            tensor.Data.Span.Slice(rows[i] * size, size).CopyTo(bytes.AsSpan(i * size));
        }

        long[] dims = [rows.Length, .. tensor.Dims[1..]];
        return new(tensor.Name, tensor.ElementType, dims, bytes);
    }
}
