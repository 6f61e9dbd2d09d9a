namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>
/// The random choices of tuning one unit. They depend on the recipe's seed and the unit's number alone, so that a unit can
/// be tuned again without those before it.
/// </summary>
internal sealed class UnitRandom(ulong seed, int unit)
{
    private enum Purpose : ulong
    {
        Rows,
        Places,
        Bits,
    }

    /// <summary>Row numbers of a mini-batch: each at most once while there are enough.</summary>
    public void Rows(int step, int count, long[] rows)
    {
        var state = Start(Purpose.Rows, step);
        var taken = new HashSet<long>(rows.Length);
        for (var i = 0; i < rows.Length; i++)
        {
            do
            {
                rows[i] = Below(ref state, count);
            } while (!taken.Add(rows[i]) && taken.Count < count);
        }
    }

    /// <summary>Places in a pool.</summary>
    public void Places(int step, int count, long[] places)
    {
        var state = Start(Purpose.Places, step);
        for (var i = 0; i < places.Length; i++)
        {
            places[i] = Below(ref state, count);
        }
    }

    /// <summary>Bits that are one with a probability.</summary>
    public bool[] Bits(int count, double probability)
    {
        var state = Start(Purpose.Bits, 0);
        var limit = (uint)Math.Min(probability * 4294967296.0, uint.MaxValue);
        var bits = new bool[count];
        for (var i = 0; i < count; i++)
        {
            bits[i] = (uint)(Next(ref state) >> 32) < limit;
        }

        return bits;
    }

    private ulong Start(Purpose purpose, int step)
    {
        var state = seed;
        foreach (var part in (ulong[])[(ulong)unit, (ulong)purpose, (ulong)step])
        {
            state = Next(ref state) ^ part;
        }

        return state;
    }

    private static long Below(ref ulong state, int count) => (long)(((Next(ref state) >> 32) * (ulong)count) >> 32);

    /// <summary>SplitMix64 (Steele et al. 2014).</summary>
    private static ulong Next(ref ulong state)
    {
        state = unchecked(state + 0x9E3779B97F4A7C15);
        var z = state;
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
        return z ^ (z >> 31);
    }
}
