using System.Runtime.InteropServices;

namespace DiffusionQuant.Evaluation.Features;

/// <summary>
/// A bounded sample of feature rows for metrics that need single rows (KID, precision and recall). Which images are in it
/// depends on their indices alone: those with the smallest hashes. So reservoirs of parts of a set, merged in any order,
/// are that of the whole set (bottom-k sampling; Cohen and Kaplan, "Summarizing Data using Bottom-k Sketches", 2007).
/// </summary>
public sealed class FeatureReservoir
{
    private readonly Dictionary<(ulong Hash, long Index), float[]> rows = [];
    private readonly PriorityQueue<(ulong Hash, long Index), (ulong Hash, long Index)> largest = new(
        Comparer<(ulong, long)>.Create((a, b) => b.CompareTo(a))
    );

    /// <summary>Makes an empty reservoir.</summary>
    /// <param name="capacity">How many rows it keeps at most.</param>
    /// <param name="dimensions">The length of a row.</param>
    public FeatureReservoir(int capacity, int dimensions)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(capacity);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dimensions);
        Capacity = capacity;
        Dimensions = dimensions;
    }

    /// <summary>How many rows it keeps at most.</summary>
    public int Capacity { get; }

    /// <summary>The length of a row.</summary>
    public int Dimensions { get; }

    /// <summary>How many rows it has.</summary>
    public int Count => rows.Count;

    /// <summary>The images' indices, ascending.</summary>
    public long[] Indices() => [.. rows.Keys.Select(k => k.Index).Order()];

    /// <summary>The rows one after another, by ascending index: Count·D numbers.</summary>
    public float[] Rows() => Rows(_ => true);

    /// <summary>The rows of some images one after another, by ascending index.</summary>
    /// <param name="which">Whether an image, by its index, is among them.</param>
    internal float[] Rows(Predicate<long> which) =>
        [.. rows.Where(r => which(r.Key.Index)).OrderBy(r => r.Key.Index).SelectMany(r => r.Value)];

    /// <summary>Takes images in, if their hashes are among the smallest.</summary>
    /// <param name="firstIndex">The index of the first image; the others follow it.</param>
    /// <param name="features">Whole rows, one for each image.</param>
    /// <exception cref="ArgumentException">The numbers are no whole rows, or an image is in it already.</exception>
    public void Add(long firstIndex, ReadOnlySpan<float> features)
    {
        if (features.Length % Dimensions != 0)
        {
            throw new ArgumentException($"{features.Length} numbers are no rows of {Dimensions}.", nameof(features));
        }

        for (var i = 0; i * Dimensions < features.Length; i++)
        {
            Offer(firstIndex + i, features.Slice(i * Dimensions, Dimensions));
        }
    }

    /// <summary>Takes the rows of another reservoir in.</summary>
    /// <param name="other">The reservoir of other images.</param>
    /// <exception cref="ArgumentException">Its capacity or its rows' length differs, or it has an image that is in this one already.</exception>
    public void Add(FeatureReservoir other)
    {
        if (other.Capacity != Capacity || other.Dimensions != Dimensions)
        {
            throw new ArgumentException(
                $"A reservoir of {other.Capacity} rows of {other.Dimensions} cannot be merged into one of {Capacity} rows of {Dimensions}.",
                nameof(other)
            );
        }

        foreach (var (key, row) in other.rows)
        {
            Offer(key.Index, row);
        }
    }

    /// <summary>Writes the reservoir.</summary>
    /// <param name="writer">Where to.</param>
    public void Write(BinaryWriter writer)
    {
        writer.Write(Capacity);
        writer.Write(Dimensions);
        writer.Write(Count);
        foreach (var (key, row) in rows.OrderBy(r => r.Key.Index))
        {
            writer.Write(key.Index);
            writer.Write(MemoryMarshal.AsBytes(row.AsSpan()));
        }
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <param name="reader">Where from.</param>
    /// <exception cref="InvalidDataException">It is no reservoir.</exception>
    /// <exception cref="EndOfStreamException">It is cut off.</exception>
    public static FeatureReservoir Read(BinaryReader reader)
    {
        var (capacity, dimensions, count) = (reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32());
        if (capacity < 0 || dimensions < 1 || count < 0 || count > capacity)
        {
            throw new InvalidDataException($"A reservoir has {count} of {capacity} rows of {dimensions} numbers.");
        }

        var result = new FeatureReservoir(capacity, dimensions);
        for (var i = 0; i < count; i++)
        {
            var index = reader.ReadInt64();
            var row = new float[dimensions];
            reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(row.AsSpan()));
            result.Offer(index, row);
        }

        return result;
    }

    private void Offer(long index, ReadOnlySpan<float> row)
    {
        var key = (Hash((ulong)index), index);
        if (rows.Count == Capacity && (Capacity == 0 || key.CompareTo(largest.Peek()) > 0))
        {
            return;
        }

        if (!rows.TryAdd(key, []))
        {
            throw new ArgumentException($"Image {index} is in the reservoir already.", nameof(index));
        }

        rows[key] = row.ToArray();
        largest.Enqueue(key, key);
        if (rows.Count > Capacity)
        {
            rows.Remove(largest.Dequeue());
        }
    }

    /// <summary>The finaliser of SplitMix64: neighbouring indices get unrelated numbers, the same on every machine.</summary>
    private static ulong Hash(ulong index)
    {
        unchecked
        {
            var z = index + 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }
}
