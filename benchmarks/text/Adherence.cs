namespace DiffusionQuant.Benchmarks;

/// <summary>How far pictures show what their prompts say: for each picture whether article, colour and ground are right.</summary>
/// <param name="Pictures">One entry for each picture.</param>
internal sealed record Adherence(IReadOnlyList<(bool Article, bool Colour, bool Ground)> Pictures)
{
    /// <summary>The share with the right article.</summary>
    public double Article => Pictures.Average(p => p.Article ? 1.0 : 0);

    /// <summary>The share with the article in the right colour.</summary>
    public double Colour => Pictures.Average(p => p.Colour ? 1.0 : 0);

    /// <summary>The share with the right ground.</summary>
    public double Ground => Pictures.Average(p => p.Ground ? 1.0 : 0);

    /// <summary>The mean of the three.</summary>
    public double Mean => Scores().Average();

    /// <summary>The standard error of <see cref="Mean"/>: over prompts and noise.</summary>
    public double Error => ErrorOf(Scores());

    /// <summary>Whether what is seen is what the prompt says.</summary>
    /// <param name="seen">Article, colour and ground.</param>
    /// <param name="prompt">The prompt.</param>
    public static (bool Article, bool Colour, bool Ground) IsRight(int[] seen, ClothesPrompt prompt) =>
        (seen[0] == prompt.Article, seen[1] == prompt.Colour, seen[2] == prompt.Ground);

    /// <summary>
    /// What <see cref="Mean"/> is above another model's on the same prompts and noise, and the standard error of that
    /// difference, which is far below that of either mean: most pictures are right or wrong in both.
    /// </summary>
    public (double Change, double Error) Against(Adherence other)
    {
        double[] differences = [.. Scores().Zip(other.Scores(), (mine, theirs) => mine - theirs)];
        return (differences.Average(), ErrorOf(differences));
    }

    private double[] Scores() =>
        [.. Pictures.Select(p => ((p.Article ? 1.0 : 0) + (p.Colour ? 1.0 : 0) + (p.Ground ? 1.0 : 0)) / 3)];

    private static double ErrorOf(double[] values)
    {
        var mean = values.Average();
        return Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1) / values.Length);
    }
}
