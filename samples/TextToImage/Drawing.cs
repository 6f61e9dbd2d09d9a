using DiffusionQuant.Diffusion;

namespace TextToImage;

/// <summary>How pictures are drawn, on the command line as in the browser: as the build calibrated and judged the model.</summary>
internal static class Drawing
{
    public const int Steps = 25;
    public const double Guidance = 4;
    public const string EmptyPrompt = "The prompt is empty; say what the picture should show.";

    /// <summary>None of them is in prompts.txt, on which the model was calibrated.</summary>
    public static IReadOnlyList<string> Prompts { get; } =
    [
        "a red sneaker on a yellow background",
        "a photo of a blue dress on a white background",
        "green ankle boot on orange",
        "a black bag, pink background",
        "a yellow pullover on a purple background",
        "coat in brown, green background",
    ];

    /// <summary>A text encoder of this size may stay in memory between prompts.</summary>
    public static PipelineOptions Pipeline { get; } = new() { KeepTextEncoders = true };

    public static GenerationOptions Generation(int steps = Steps, double guidance = Guidance) =>
        new()
        {
            Sampler = new() { Kind = SolverKind.Find("ddim"), Steps = steps },
            GuidanceScale = guidance,
        };
}
