namespace DiffusionQuant.Diffusion;

/// <summary>What the last calls gave, for multistep methods.</summary>
/// <param name="most">How many are kept.</param>
/// <param name="size">Numbers of each.</param>
internal sealed class OutputHistory(int most, int size)
{
    private readonly List<float[]> kept = [];

    /// <summary>How many there are.</summary>
    public int Count => kept.Count;

    /// <summary>What a call gave.</summary>
    /// <param name="back">How many calls before the last one; 0 for the last.</param>
    public float[] this[int back] => kept[^(back + 1)];

    /// <summary>Makes place for the next call's; the oldest one's array is taken where all are there.</summary>
    public float[] Next()
    {
        var array = new float[size];
        if (kept.Count == most)
        {
            array = kept[0];
            kept.RemoveAt(0);
        }

        kept.Add(array);
        return array;
    }
}
