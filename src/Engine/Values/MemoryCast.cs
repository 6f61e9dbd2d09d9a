using System.Buffers;
using System.Runtime.InteropServices;

namespace DiffusionQuant.Engine;

/// <summary>Memory seen as elements of another type, without a copy.</summary>
internal sealed class MemoryCast<TFrom, TTo>(Memory<TFrom> source) : MemoryManager<TTo>
    where TFrom : unmanaged
    where TTo : unmanaged
{
    public override Span<TTo> GetSpan() => MemoryMarshal.Cast<TFrom, TTo>(source.Span);

    public override unsafe MemoryHandle Pin(int elementIndex = 0)
    {
        // The handle of the source goes along, so that whoever disposes ours unpins exactly what was pinned here.
        var pinned = source.Pin();
        return new((TTo*)pinned.Pointer + elementIndex, default, new Pinned(pinned));
    }

    public override void Unpin() { }

    protected override void Dispose(bool disposing) { }

    private sealed class Pinned(MemoryHandle handle) : IPinnable
    {
        private MemoryHandle handle = handle;

        public MemoryHandle Pin(int elementIndex) => throw new NotSupportedException();

        public void Unpin() => handle.Dispose();
    }
}
