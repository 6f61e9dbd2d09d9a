using System.Globalization;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Benchmarks;

/// <summary>What the benchmark of a text-to-image model was asked for.</summary>
internal sealed record TextSettings
{
    private const int UsualSteps = 25;
    private const double UsualGuidance = 4;

    // What `methods` understands and pictures of prompts have no use for.
    private static readonly string[] Others = ["--sampler", "--eta", "--training-data", "--batch"];

    /// <summary>The float model's folder.</summary>
    public required string Model { get; init; }

    /// <summary>The folder of the judge of its pictures.</summary>
    public required string Judge { get; init; }

    /// <summary>How many prompts are judged.</summary>
    public required int Images { get; init; }

    /// <summary>Steps of DDIM.</summary>
    public required int Steps { get; init; }

    /// <summary>The scale of guidance.</summary>
    public required double Guidance { get; init; }

    /// <summary>Methods and their variants.</summary>
    public required IReadOnlyList<string> Methods { get; init; }

    /// <summary>Widths.</summary>
    public required IReadOnlyList<BitWidths> Bits { get; init; }

    /// <summary>The effort of methods that have one.</summary>
    public required Effort Effort { get; init; }

    /// <summary>Gradient steps in place of the effort's.</summary>
    public int? Iterations { get; init; }

    /// <summary>Which layers keep more bits.</summary>
    public required string Policy { get; init; }

    /// <summary>Device and threads.</summary>
    public required SessionSettings Session { get; init; }

    /// <summary>The results' file without its ending.</summary>
    public required string Output { get; init; }

    /// <summary>A folder for models and pictures, which a later run takes up.</summary>
    public required string Work { get; init; }

    /// <summary>Whether the model that options name, by its folder or by the sample's name for it, has a judge among the
    /// benchmarks' models, so that what its pictures show can be read.</summary>
    public static bool HasJudge(string[] options) =>
        NameOf(options) is { Length: > 0 } name && Directory.Exists(JudgeOf(name));

    /// <summary>Reads options.</summary>
    /// <exception cref="ArgumentException">One has no meaning here.</exception>
    public static TextSettings Of(string[] options)
    {
        var name = NameOf(options);
        if (Array.Find(Others, options.Contains) is { } other)
        {
            throw new ArgumentException($"'{other}' has no meaning for pictures of prompts.");
        }

        string Option(string name, string fallback) => BenchmarkOptions.Option(options, name, fallback);
        int Number(string name, int fallback) => int.Parse(Option(name, $"{fallback}"), CultureInfo.InvariantCulture);
        var steps = Number("--steps", UsualSteps);
        var guidance = double.Parse(
            Option("--guidance", UsualGuidance.ToString(CultureInfo.InvariantCulture)),
            CultureInfo.InvariantCulture
        );
        var policy = Option("--policy", "strict");
        // A row says neither how it was sampled nor under which policy; each has a table of its own.
        var table = string.Create(
            CultureInfo.InvariantCulture,
            $"text{((steps, guidance) == (UsualSteps, UsualGuidance) ? "" : $"-{steps}-{guidance}")}{(policy == "strict" ? "" : $"-{policy}")}"
        );
        return new()
        {
            Model =
                Option("--model", "") is var path && Directory.Exists(path)
                    ? path
                    : QualityBenchmark.SampleModel($"TextToImage/Models/{name}"),
            Judge = JudgeOf(name),
            Images = Number("--images", 1000),
            Steps = steps,
            Guidance = guidance,
            Methods = Option("--methods", "minmax,mse,gptq,pqd,tcaq-dm,mpq-dm").Split(','),
            Bits = [.. Option("--bits", "W8A8,W4A8,W4A4,W3A6").Split(',').Select(BitWidths.Parse)],
            Effort = RecipeWords.Parse<Effort>("--effort", Option("--effort", "standard")),
            Iterations = Option("--iterations", "") is { Length: > 0 } iterations
                ? int.Parse(iterations, CultureInfo.InvariantCulture)
                : null,
            Policy = policy,
            Session = BenchmarkOptions.Session(options, threads: "0"),
            Output = Option("--output", RepositoryFolder.PathOf("benchmarks", "results", table)),
            Work = Directory
                .CreateDirectory(Option("--work", Path.Combine(Path.GetTempPath(), $"diffusionquant-{table}")))
                .FullName,
        };
    }

    /// <summary>The recipe of a row.</summary>
    /// <param name="method">The method or one of its variants.</param>
    /// <param name="bits">The width.</param>
    /// <param name="prompts">Calibration's prompts.</param>
    public Recipe RecipeOf(string method, BitWidths bits, string prompts) =>
        new(bits)
        {
            Method = MethodVariants.MethodOf(method),
            Steps = Steps,
            Sampler = RecipeWords.Solver("--sampler", "ddim"),
            GuidanceScale = Guidance,
            Prompts = prompts,
            Effort = Effort,
            Iterations = Iterations,
            Policy = Quantization.Recipes.Policy.Parse(Policy),
            Device = Session.Device.ToString(),
            Threads = Session.Threads,
        };

    private static string NameOf(string[] options) =>
        Path.GetFileName(Path.TrimEndingDirectorySeparator(BenchmarkOptions.Option(options, "--model", "")));

    private static string JudgeOf(string name) => RepositoryFolder.PathOf("benchmarks", "models", name, "judge");
}
