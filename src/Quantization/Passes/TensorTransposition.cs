using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>Permutes the dimensions of constants whose elements take whole bytes.</summary>
internal static class TensorTransposition
{
    /// <summary>The transposed tensor, under a name that says so.</summary>
    /// <param name="tensor">Elements of at least one byte.</param>
    /// <param name="permutation">Which of the tensor's dimensions each of the result's is; null reverses them.</param>
    public static OnnxTensor Transpose(OnnxTensor tensor, IReadOnlyList<long>? permutation)
    {
        var rank = tensor.Rank;
        var perm = permutation ?? [.. Enumerable.Range(0, rank).Reverse().Select(i => (long)i)];
        var strides = new long[rank];
        for (var (i, stride) = (rank - 1, 1L); i >= 0; stride *= tensor.Dims[i--])
        {
            strides[i] = stride;
        }

        var dims = new long[rank];
        var steps = new long[rank];
        for (var i = 0; i < rank; i++)
        {
            dims[i] = tensor.Dims[(int)perm[i]];
            steps[i] = strides[(int)perm[i]];
        }

        var size = tensor.ElementType.BitsOf() / 8;
        var source = tensor.Data.Span;
        var result = new byte[source.Length];
        var at = new long[rank];
        var from = 0L;
        for (var to = 0; to < result.Length; to += size)
        {
            source.Slice((int)from * size, size).CopyTo(result.AsSpan(to));
            for (var i = rank - 1; i >= 0; i--)
            {
                from += steps[i];
                if (++at[i] < dims[i])
                {
                    break;
                }

                from -= steps[i] * dims[i];
                at[i] = 0;
            }
        }

        return new($"{tensor.Name}_transposed", tensor.ElementType, dims, result);
    }
}
