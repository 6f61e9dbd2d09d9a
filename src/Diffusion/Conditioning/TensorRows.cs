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

    /// <summary>Row by row that of one tensor or of another of the same shape.</summary>
    public static OnnxTensor Mix(OnnxTensor first, OnnxTensor second, IReadOnlyList<bool> takesSecond)
    {
        var size = first.Data.Length / takesSecond.Count;
        var bytes = new byte[first.Data.Length];
        for (var i = 0; i < takesSecond.Count; i++)
        {
            var source = takesSecond[i] ? second : first;
            source.Data.Span.Slice(i * size, size).CopyTo(bytes.AsSpan(i * size));
        }

        return new(first.Name, first.ElementType, first.Dims.ToArray(), bytes);
    }

    /// <summary>The rows of several tensors behind each other.</summary>
    public static OnnxTensor Join(IReadOnlyList<OnnxTensor> tensors)
    {
        if (tensors.Count == 1)
        {
            return tensors[0];
        }

        var bytes = new byte[checked(tensors.Sum(t => t.Data.Length))];
        var at = 0;
        foreach (var tensor in tensors)
        {
            tensor.Data.Span.CopyTo(bytes.AsSpan(at));
            at += tensor.Data.Length;
        }

        long[] dims = [tensors.Sum(t => t.Dims[0]), .. tensors[0].Dims[1..]];
        return new(tensors[0].Name, tensors[0].ElementType, dims, bytes);
    }
}
