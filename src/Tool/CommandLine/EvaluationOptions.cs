using System.CommandLine;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Tool.CommandLine;

/// <summary>The options that say how to measure a model.</summary>
internal sealed class EvaluationOptions
{
    private readonly ImageOptions images = new();

    private readonly Option<string?> sampler = Text(
        "--sampler",
        "NAME",
        $"The sampler (default: the recipe's, or the model's own, ddim for ddpm): {string.Join(", ", RecipeWords.Solvers)}"
    );

    private readonly Option<int?> steps = Number("--steps", "Sampling steps (default: the recipe's, or 50)");

    private readonly Option<double?> eta = new("--eta")
    {
        Description = "Eta of ddim, gamma of tcd, 0 to 1 (default: the recipe's, or 0 and 0.3)",
        HelpName = "NUMBER",
    };

    private readonly Option<string?> timeGrid = Text(
        "--time-grid",
        string.Join('|', RecipeWords.All<TimeGridKind>()),
        "How the steps are spread over the training timesteps (default: the recipe's, or uniform)"
    );

    private readonly Option<long> seed = new("--seed")
    {
        Description = "Seed of the noise",
        HelpName = "N",
        DefaultValueFactory = _ => (long)EvaluationRequest.UsualSeed,
    };

    private readonly Option<double?> guidance = new("--guidance", "--guidance-scale")
    {
        Description =
            "Scale of classifier-free guidance; 1 for none (default: the recipe's; else with prompts what the model's family usually takes)",
        HelpName = "NUMBER",
    };

    private readonly Option<string?> prompts = Text(
        "--prompts",
        "FILE",
        "Prompts of the images: a text file in UTF-8, one a line; image k has prompt k modulo their number"
    );

    private readonly Option<string?> clip = Text(
        "--clip",
        "FOLDER",
        "A CLIP model in ONNX that says how well the paired images fit their prompts (the CLIP score); needs prompts"
    );

    private readonly Option<string?> conditioning = Text(
        "--conditioning",
        "PATH",
        "A .npz or .npy file, or a folder of .npy files, with values for the other inputs"
    );

    private readonly Option<string?> recipe = Text(
        "--recipe",
        "FILE",
        "A recipe file whose prompts and conditioning count where the options name none"
    );

    private readonly Option<int?> batch = Number(
        "--batch",
        "How many images run at once (default 16 for small images)"
    );

    private readonly Option<string> device = new("--device")
    {
        Description = "Where to compute; auto is the GPU if it can be used",
        HelpName = "auto|cpu|cuda|cuda:N",
        DefaultValueFactory = _ => "auto",
    };

    private readonly Option<int> threads = new("--threads")
    {
        Description = "Threads of a computation; 0 is one per core",
        HelpName = "N",
        DefaultValueFactory = _ => 0,
    };

    public void AddTo(Command command)
    {
        images.AddTo(command);
        Option[] options =
        [
            sampler,
            steps,
            eta,
            timeGrid,
            seed,
            guidance,
            prompts,
            clip,
            conditioning,
            recipe,
            batch,
            device,
            threads,
        ];
        foreach (var option in options)
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The device's text, as it was given.</summary>
    public string Device(ParseResult result) => result.GetValue(device)!;

    /// <summary>Whether a number of images was given.</summary>
    public bool HasImages(ParseResult result) => images.HasImages(result);

    /// <summary>Reads the options.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="model">The model to measure.</param>
    /// <param name="floatModel">The float model; null for none.</param>
    /// <param name="where">The device.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">A value is not allowed.</exception>
    public EvaluationRequest Read(ParseResult result, string model, string? floatModel, Device where)
    {
        var noise = result.GetValue(seed);
        if (noise < 0)
        {
            throw ToolErrors.BadNumber(seed.Name, noise, 0, long.MaxValue);
        }

        var given = result.GetValue(recipe) is { } file ? RecipeFile.Read(file) : RecipeOverrides.None;
        return images.Apply(result, new(model)) with
        {
            FloatPath = floatModel,
            Sampler = result.GetValue(sampler) is { } word ? RecipeWords.Solver(sampler.Name, word) : null,
            Steps = result.GetValue(steps) is { } s ? Within(steps.Name, s, 1, 10_000) : null,
            Eta = result.GetValue(eta),
            TimeGrid = Word<TimeGridKind>(result, timeGrid),
            Seed = (ulong)noise,
            GuidanceScale = result.GetValue(guidance),
            Prompts = result.GetValue(prompts) ?? given.Prompts,
            Clip = result.GetValue(clip),
            Conditioning = result.GetValue(conditioning) ?? given.Conditioning,
            BatchSize = result.GetValue(batch) is { } b ? Within(batch.Name, b, 1, 4096) : null,
            Session = new() { Device = where, Threads = Within(threads.Name, result.GetValue(threads), 0, 1024) },
        };
    }

    private static T? Word<T>(ParseResult result, Option<string?> option)
        where T : struct, Enum => result.GetValue(option) is { } word ? RecipeWords.Parse<T>(option.Name, word) : null;

    private static int Within(string option, int value, int least, int most) =>
        value >= least && value <= most ? value : throw ToolErrors.BadNumber(option, value, least, most);

    private static Option<int?> Number(string name, string description) =>
        new(name) { Description = description, HelpName = "N" };

    private static Option<string?> Text(string name, string help, string description) =>
        new(name) { Description = description, HelpName = help };
}
