using System.Buffers;
using System.IO.MemoryMappedFiles;

namespace DiffusionQuant.Onnx.Serialization;

/// <summary>A read-only file mapped into memory; lives as long as any memory that was cut from it.</summary>
internal sealed unsafe class MappedFile
{
    private readonly MemoryMappedFile? file;
    private readonly MemoryMappedViewAccessor? view;
    private readonly byte* start;

    public MappedFile(string path)
    {
        Length = new FileInfo(path).Length;
        if (Length == 0)
        {
            return;
        }

        // The mapping outlives the stream; FileShare.Delete lets a new version of the file take its name meanwhile.
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        file = MemoryMappedFile.CreateFromFile(
            stream,
            null,
            0,
            MemoryMappedFileAccess.Read,
            HandleInheritability.None,
            leaveOpen: true
        );
        view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        start += view.PointerOffset;
    }

    ~MappedFile()
    {
        if (start != null)
        {
            view!.SafeMemoryMappedViewHandle.ReleasePointer();
            view.Dispose();
            file!.Dispose();
        }
    }

    public long Length { get; }

    /// <summary>A part of the file as memory; it keeps the mapping alive.</summary>
    public ReadOnlyMemory<byte> Slice(long offset, int length) =>
        length == 0 ? ReadOnlyMemory<byte>.Empty : new Part(this, offset, length).Memory;

    private sealed class Part(MappedFile owner, long offset, int length) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => new(owner.start + offset, length);

        public override MemoryHandle Pin(int elementIndex = 0) =>
            new(owner.start + offset + elementIndex, default, this);

        public override void Unpin() { }

        protected override void Dispose(bool disposing) { }
    }
}
