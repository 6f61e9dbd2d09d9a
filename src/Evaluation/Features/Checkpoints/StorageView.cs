using DiffusionQuant.Onnx;

namespace DiffusionQuant.Evaluation.Features.Checkpoints;

/// <summary>A row of elements in a checkpoint that tensors look at.</summary>
/// <param name="Key">Its name in the file.</param>
/// <param name="ElementType">The element type.</param>
/// <param name="Count">How many elements it has.</param>
internal sealed record StorageReference(string Key, ElementType ElementType, long Count)
{
    public int ElementSize => ElementType.BitsOf() / 8;

    public long Bytes => Count * ElementSize;
}

/// <summary>A part of a storage; the whole of it but in files of PyTorch below 0.4.</summary>
/// <param name="Storage">The storage.</param>
/// <param name="Offset">The part's first element.</param>
/// <param name="Count">The part's elements.</param>
internal sealed record StorageView(StorageReference Storage, long Offset, long Count);
