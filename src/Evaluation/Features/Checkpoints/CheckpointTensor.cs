using DiffusionQuant.Onnx;

namespace DiffusionQuant.Evaluation.Features.Checkpoints;

/// <summary>Where a tensor's elements lie; element i₀,i₁,… at <c>Offset + Σ iₖ·Stridesₖ</c> of its storage.</summary>
/// <param name="Storage">The storage, which several tensors may share.</param>
/// <param name="Offset">The first element.</param>
/// <param name="Sizes">The sizes; none for a scalar.</param>
/// <param name="Strides">The steps in elements, as many as sizes.</param>
internal sealed record CheckpointTensor(
    StorageReference Storage,
    long Offset,
    IReadOnlyList<long> Sizes,
    IReadOnlyList<long> Strides
)
{
    /// <summary>The element type.</summary>
    public ElementType ElementType => Storage.ElementType;

    /// <summary>The elements that lie between the first and the last one, these two included; 0 for an empty tensor.</summary>
    public long Extent { get; } = ExtentOf(Sizes, Strides);

    /// <summary>Whether the elements lie in a row, the last dimension's beside each other.</summary>
    public bool IsContiguous
    {
        get
        {
            var step = 1L;
            for (var i = Sizes.Count - 1; i >= 0; i--)
            {
                if (Sizes[i] != 1 && Strides[i] != step)
                {
                    return false;
                }

                step *= Sizes[i];
            }

            return true;
        }
    }

    /// <summary>The sizes as text: <c>[64,3,3,3]</c>.</summary>
    public string Shape => $"[{string.Join(',', Sizes)}]";

    private static long ExtentOf(IReadOnlyList<long> sizes, IReadOnlyList<long> strides)
    {
        if (sizes.Contains(0))
        {
            return 0;
        }

        var last = 0L;
        for (var i = 0; i < sizes.Count; i++)
        {
            last = checked(last + checked((sizes[i] - 1) * strides[i]));
        }

        return checked(last + 1);
    }
}
