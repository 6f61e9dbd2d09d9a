using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Benchmarks;

/// <summary>What a picture of clothes is to show: numbers of an article, of its colour and of the ground's, and in words.</summary>
/// <param name="Article">Index into <see cref="ClothesPrompts.Articles"/>.</param>
/// <param name="Colour">Index into <see cref="ClothesPrompts.Colours"/>.</param>
/// <param name="Ground">The same for the ground, which never has the article's colour.</param>
/// <param name="Text">The prompt.</param>
internal sealed record ClothesPrompt(int Article, int Colour, int Ground, string Text);

/// <summary>The prompts that <c>sd-clothes</c> was trained on: every article in every colour on every other, in six wordings.</summary>
internal static class ClothesPrompts
{
    /// <summary>How many prompts calibration has.</summary>
    public const int Calibrating = 128;

    private const ulong Seed = 1;

    /// <summary>Wordings; {0} is the article, {1} its colour, {2} the ground's.</summary>
    private static readonly string[] Wordings =
    [
        "a {1} {0} on a {2} background",
        "a photo of a {1} {0} on a {2} background",
        "{1} {0} on {2}",
        "a {1} {0}, {2} background",
        "a picture of a {0} in {1} on a {2} background",
        "{0} in {1}, {2} background",
    ];

    /// <summary>The articles, in the order of the judge's logits.</summary>
    public static IReadOnlyList<string> Articles { get; } =
    ["t-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"];

    /// <summary>The colours, in the order of the judge's logits.</summary>
    public static IReadOnlyList<string> Colours { get; } =
    ["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "white", "black"];

    /// <summary>The first prompts of one shuffled deck of all: those that pictures are judged on.</summary>
    public static IReadOnlyList<ClothesPrompt> Judged(int count)
    {
        var all = Shuffled();
        return count <= all.Length - Calibrating
            ? all[..count]
            : throw new ArgumentException($"There are {all.Length - Calibrating} prompts to judge, not {count}.");
    }

    /// <summary>The deck's last prompts, on which nothing is judged.</summary>
    public static IReadOnlyList<ClothesPrompt> ForCalibration() => Shuffled()[^Calibrating..];

    private static ClothesPrompt[] Shuffled()
    {
        ClothesPrompt[] all =
        [
            .. from article in Enumerable.Range(0, Articles.Count)
            from colour in Enumerable.Range(0, Colours.Count)
            from ground in Enumerable.Range(0, Colours.Count)
            where ground != colour
            from wording in Wordings
            select new ClothesPrompt(
                article,
                colour,
                ground,
                string.Format(null, wording, Articles[article], Colours[colour], Colours[ground])
            ),
        ];
        var source = new NoiseSource(Seed);
        for (var i = all.Length - 1; i > 0; i--)
        {
            var other = source.Draw(NoisePurpose.Resampling, i, i + 1);
            (all[i], all[other]) = (all[other], all[i]);
        }

        return all;
    }
}
