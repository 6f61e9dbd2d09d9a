using System.Numerics;

namespace DiffusionQuant.Quantization.Blocks;

/// <summary>A set of a graph's vertices, as bits: one for each vertex of a large graph must fit into memory.</summary>
internal sealed class VertexSet(int size)
{
    private readonly ulong[] bits = new ulong[(size + 63) / 64];

    public void Add(int vertex) => bits[vertex >> 6] |= 1UL << (vertex & 63);

    public bool Contains(int vertex) => (bits[vertex >> 6] & (1UL << (vertex & 63))) != 0;

    public void UnionWith(VertexSet other)
    {
        for (var i = 0; i < bits.Length; i++)
        {
            bits[i] |= other.bits[i];
        }
    }

    public bool Overlaps(VertexSet other)
    {
        for (var i = 0; i < bits.Length; i++)
        {
            if ((bits[i] & other.bits[i]) != 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The vertices of this set that are not in another, in order.</summary>
    public IEnumerable<int> Except(VertexSet other)
    {
        for (var i = 0; i < bits.Length; i++)
        {
            for (var rest = bits[i] & ~other.bits[i]; rest != 0; rest &= rest - 1)
            {
                yield return (i << 6) + BitOperations.TrailingZeroCount(rest);
            }
        }
    }
}
