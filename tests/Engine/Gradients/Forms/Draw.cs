namespace DiffusionQuant.Engine.Tests.Gradients.Forms;

/// <summary>What one trial draws from: the same seed and size draw the same.</summary>
/// <param name="seed">The seed.</param>
/// <param name="most">The largest size of most axes.</param>
internal sealed class Draw(int seed, int most)
{
    private readonly Random random = new(seed);

    /// <summary>A whole number from <paramref name="from"/> to <paramref name="to"/>, both included.</summary>
    public int Whole(int from, int to) => random.Next(from, to + 1);

    public double Real(double from, double to) => from + (random.NextDouble() * (to - from));

    public bool Flag() => random.Next(2) == 0;

    public T Pick<T>(params ReadOnlySpan<T> choices) => choices[random.Next(choices.Length)];

    public long Size(int least = 1) => Whole(least, Math.Max(least, most));

    public long[] Shape(int leastRank, int mostRank) => Shape(Whole(leastRank, mostRank));

    public long[] Shape(int rank) => [.. Enumerable.Range(0, rank).Select(_ => Size())];

    /// <summary>A shape that broadcasting repeats to another: some axes 1, some leading ones missing.</summary>
    public long[] Broadcasting(long[] shape) =>
        [.. shape.Select(d => Whole(0, 2) == 0 ? 1 : d).Skip(Whole(0, 3) == 0 ? Whole(0, shape.Length) : 0)];

    public T[] Shuffled<T>(IEnumerable<T> items)
    {
        T[] result = [.. items];
        random.Shuffle(result);
        return result;
    }

    public long[] Permutation(int rank) => Shuffled(Enumerable.Range(0, rank).Select(i => (long)i));

    /// <summary>An axis of a value, as often counted from the end.</summary>
    public long Axis(int rank) => Whole(-rank, rank - 1);

    /// <summary>Different axes, some counted from the end.</summary>
    public long[] Axes(int rank, int least = 1) =>
        [.. Permutation(rank)[..Whole(Math.Min(least, rank), rank)].Select(a => Flag() ? a : a - rank)];

    /// <summary>Numbers from −1 to 1 that are nowhere near zero, where many functions bend.</summary>
    public float[] Numbers(long count) =>
        [.. Enumerable.Range(0, (int)count).Select(_ => (float)(Real(0.05, 1) * (Flag() ? 1 : -1)))];
}
