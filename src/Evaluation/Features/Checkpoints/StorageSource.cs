namespace DiffusionQuant.Evaluation.Features.Checkpoints;

/// <summary>Reads storages from a checkpoint's file, one at a time and only what is asked for.</summary>
internal abstract class StorageSource : IDisposable
{
    /// <summary>Reads a part of a storage.</summary>
    /// <param name="storage">The storage.</param>
    /// <param name="offset">The part's first byte in the storage.</param>
    /// <param name="destination">Is filled.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3052: the file is damaged.</exception>
    public abstract void Read(StorageReference storage, long offset, Span<byte> destination);

    /// <inheritdoc/>
    public abstract void Dispose();
}
