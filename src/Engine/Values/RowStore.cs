using System.Runtime.InteropServices;
using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine;

/// <summary>
/// Rows of float32 of one shape, in memory or, where a budget does not suffice, in a mapped file that the system writes out
/// and reads back as needed. Either way they are one tensor without a copy.
/// </summary>
public sealed unsafe class RowStore : IDisposable
{
    private readonly long[] rowDims;
    private readonly MemoryBudget budget;
    private readonly SpillFile? file;
    private float* data;

    private RowStore(int rows, long[] rowDims, MemoryBudget budget)
    {
        Rows = rows;
        this.rowDims = rowDims;
        this.budget = budget;
        RowLength = checked((int)rowDims.Aggregate(1L, (a, b) => a * b));
        if (budget.TryTake(Bytes))
        {
            data = (float*)NativeMemory.AllocZeroed((nuint)Math.Max(Bytes, 1));
        }
        else
        {
            file = new(budget.SpillFolder, Math.Max(Bytes, 1));
            data = (float*)file.Pointer;
        }
    }

    /// <summary>The number of rows.</summary>
    public int Rows { get; }

    /// <summary>The sizes of a row; none for a single number.</summary>
    public IReadOnlyList<long> RowDims => rowDims;

    /// <summary>The numbers of a row.</summary>
    public int RowLength { get; }

    /// <summary>The size of all rows.</summary>
    public long Bytes => (long)Rows * RowLength * sizeof(float);

    /// <summary>Whether the rows lie in a file.</summary>
    public bool IsSpilled => file is not null;

    /// <summary>Makes a store of zeros.</summary>
    /// <param name="rows">The number of rows.</param>
    /// <param name="rowDims">The sizes of a row.</param>
    /// <param name="budget">Decides whether it lies in memory.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4020: neither memory nor disk suffice.</exception>
    public static RowStore Create(int rows, long[] rowDims, MemoryBudget budget) => new(rows, rowDims, budget);

    /// <summary>Checks that a budget's folder has room, before long work that will need it.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4020: it has not.</exception>
    public static void CheckRoom(MemoryBudget budget, long bytes)
    {
        if (bytes > 0)
        {
            SpillFile.CheckRoom(budget.SpillFolder, bytes);
        }
    }

    /// <summary>A row, to read or write.</summary>
    public Span<float> Row(int index)
    {
        ObjectDisposedException.ThrowIf(data is null, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Rows);
        return new(data + ((long)index * RowLength), RowLength);
    }

    /// <summary>Copies rows one behind the other.</summary>
    public void Gather(ReadOnlySpan<int> rows, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, checked(rows.Length * RowLength));
        for (var i = 0; i < rows.Length; i++)
        {
            Row(rows[i]).CopyTo(destination[(i * RowLength)..]);
        }
    }

    /// <summary>All rows as a tensor [rows, …], without a copy. It must not be used after the store is disposed.</summary>
    public OrtValue AsTensor()
    {
        ObjectDisposedException.ThrowIf(data is null, this);
        _ = Runtime.Environment;
        return OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance,
            (Microsoft.ML.OnnxRuntime.Tensors.TensorElementType)ElementType.Float,
            [Rows, .. rowDims],
            (nint)data,
            Bytes
        );
    }

    /// <summary>Frees the memory, or removes the file.</summary>
    public void Dispose()
    {
        if (data is null)
        {
            return;
        }

        if (file is null)
        {
            NativeMemory.Free(data);
            budget.Release(Bytes);
        }

        file?.Dispose();
        data = null;
    }
}
