using System.CommandLine;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Parts;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Tool.CommandLine;

/// <summary>The options that say how to quantize; each wins over the recipe file's key of the same name.</summary>
/// <param name="hasBits">Whether the bits are an option among them; else the command gives them.</param>
internal sealed class RecipeOptions(bool hasBits = true)
{
    private readonly Option<string?> quantize = new("--quantize")
    {
        Description = "Bits of weights and activations: W8A8, W4A8, W6A6 ..., or W4A16 for weights only",
        HelpName = "W4A8",
    };

    private readonly Option<string?> method = Text("--method", "NAME", "How codes and ranges are chosen (default mse)");

    private readonly Option<string?> policy = Text(
        "--policy",
        string.Join('|', Policy.All.Select(p => p.Name)),
        $"Which layers keep more bits (default {Policy.All[0]}). "
            + string.Join("; ", Policy.All.Select(p => $"{p.Name}: {p.Summary}"))
    );

    private readonly Option<string?> sampler = Text(
        "--sampler",
        "NAME",
        $"The sampler whose trajectories calibration follows (default the model's own, ddim for ddpm): {string.Join(", ", RecipeWords.Solvers)}"
    );

    private readonly Option<double?> eta = Decimal(
        "--eta",
        "Eta of ddim, gamma of tcd, 0 (no noise) to 1 (default 0 and 0.3)"
    );

    private readonly Option<string?> timeGrid = Text(
        "--time-grid",
        string.Join('|', RecipeWords.All<TimeGridKind>()),
        "How the steps are spread over the training timesteps (default uniform)"
    );

    private readonly Option<int?> steps = Number("--steps", "Sampling steps (default 50)");

    private readonly Option<string?> effort = Text(
        "--effort",
        string.Join('|', RecipeWords.All<Effort>()),
        "How long methods with reconstruction may work (default standard)"
    );

    private readonly Option<int?> iterations = Number(
        "--iterations",
        "Gradient steps of a block's reconstruction (default: what the effort allows)"
    );

    private readonly Option<int?> calibrationSamples = Number(
        "--calibration-samples",
        "How many pairs (x_t, t) calibration keeps (default: what method and effort want; 256 for mse and minmax)"
    );

    private readonly Option<string?> timestepSampling = Text(
        "--timestep-sampling",
        string.Join('|', RecipeWords.All<TimestepLaw>()),
        "How the timesteps of these pairs are chosen (default: the method's; every-k for mse and minmax)"
    );

    private readonly Option<double?> timestepMean = Decimal(
        "--timestep-mean",
        "Mean of a normal law, as a fraction of the training timesteps (default 0.4)"
    );

    private readonly Option<double?> timestepDeviation = Decimal(
        "--timestep-deviation",
        "Standard deviation of a normal law, as a fraction of the training timesteps (default: the law's)"
    );

    private readonly Option<double?> guidanceScale = new("--guidance-scale", "--guidance")
    {
        Description =
            "Classifier-free guidance of the trajectories, both of whose calls are calibrated (default: with prompts what the model's family usually takes, else 1: none)",
        HelpName = "NUMBER",
    };

    private readonly Option<string?> sampleSelection = Text(
        "--sample-selection",
        string.Join('|', RecipeWords.All<SampleSelection>()),
        "Which of the collected pairs calibration keeps (default all)"
    );

    private readonly Option<int?> calibrationBatch = Number(
        "--calibration-batch",
        "How many of them run at once (default 4)"
    );

    private readonly Option<long?> seed = new("--seed")
    {
        Description = "Seed of every random choice (default 0)",
        HelpName = "N",
    };

    private readonly Option<string?> device = Text(
        "--device",
        "auto|cpu|cuda|cuda:N",
        "Where to compute (default auto: the GPU if it can be used)"
    );

    private readonly Option<int?> threads = Number("--threads", "Threads of a computation (default 0: one per core)");

    private readonly Option<int?> softmaxBits = Number(
        "--softmax-bits",
        "Bits of attention's softmax (default 8; 16 or 32 leave it as it is)"
    );

    private readonly Option<bool?> clipSample = new("--clip-sample")
    {
        Description = "Whether predicted clean images are clipped to -1..1 (default: as the model's scheduler says)",
        HelpName = "true|false",
    };

    private readonly Option<string[]> rules = new("--rule")
    {
        Description =
            "Other bits for some layers, PATTERN=VALUE: '/down*/conv1*=W8A8', 'type:MatMul&position:attention=A8', "
            + "'position:skip=float'. May be given several times; the last that matches wins",
        HelpName = "RULE",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string[]> inputRoles = new("--input-role")
    {
        Description = "What an input of the model means where its name does not tell: noisy=sample",
        HelpName = "NAME=ROLE",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string?> conditioning = Text(
        "--conditioning",
        "PATH",
        "Arrays for inputs that sampling cannot make up (text states ...): a .npz file or a folder of .npy files"
    );

    private readonly Option<string?> prompts = Text(
        "--prompts",
        "FILE",
        "Prompts whose trajectories calibration follows: a text file in UTF-8, one a line; the model's own text encoders read them"
    );

    private readonly Option<string[]> parts = new("--part")
    {
        Description =
            $"What becomes of a pipeline's other part, as {PartForm.Grammar}: text_encoder=W8A16; others stay as they are",
        HelpName = "NAME=FORM",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string?> trainingData = Text(
        "--training-data",
        "PATH",
        "Images that quantization-aware training takes its x_t from: .npy, .npz, CIFAR-10's .bin, a folder of images; without them they come from the float model's own trajectories"
    );

    private readonly Option<string[]> dimensions = new("--dimension")
    {
        Description = "Size of a symbolic dimension that the model's files leave open: height=64",
        HelpName = "NAME=SIZE",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string?> recipeFile = Text(
        "--recipe",
        "FILE",
        "A recipe file (diffquant.json); options given beside it win"
    );

    public void AddTo(Command command)
    {
        Option[] all =
        [
            .. hasBits ? (Option[])[quantize] : [],
            method,
            policy,
            rules,
            softmaxBits,
            sampler,
            eta,
            timeGrid,
            steps,
            effort,
            iterations,
            calibrationSamples,
            timestepSampling,
            timestepMean,
            timestepDeviation,
            guidanceScale,
            sampleSelection,
            calibrationBatch,
            seed,
            clipSample,
            inputRoles,
            conditioning,
            prompts,
            parts,
            trainingData,
            dimensions,
            device,
            threads,
            recipeFile,
        ];
        foreach (var option in all)
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The recipe file that a command line names; null for none.</summary>
    public string? FilePath(ParseResult result) => result.GetValue(recipeFile);

    /// <summary>The recipe of a command line.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1070 to DQ1089.</exception>
    public Recipe Read(ParseResult result)
    {
        var bits = result.GetValue(quantize);
        return Recipe.Of(Read(result, new() { Bits = bits is null ? null : BitWidths.Parse(bits) }));
    }

    /// <summary>What a command line gives, and below it what its recipe file gives.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="first">What comes before both.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1070 to DQ1089.</exception>
    public RecipeOverrides Read(ParseResult result, RecipeOverrides first)
    {
        var given = new RecipeOverrides
        {
            Method = result.GetValue(method),
            Policy = result.GetValue(policy) is { } name ? Policy.Parse(name) : null,
            Rules = [.. result.GetValue(rules)!.Select(LayerRule.Parse)],
            SoftmaxBits = result.GetValue(softmaxBits),
            Sampler = result.GetValue(sampler) is { } word ? RecipeWords.Solver(sampler.Name, word) : null,
            Eta = result.GetValue(eta),
            TimeGrid = Word<TimeGridKind>(result, timeGrid),
            Steps = result.GetValue(steps),
            Effort = Word<Effort>(result, effort),
            Iterations = result.GetValue(iterations),
            CalibrationSamples = result.GetValue(calibrationSamples),
            TimestepSampling = Word<TimestepLaw>(result, timestepSampling),
            TimestepMean = result.GetValue(timestepMean),
            TimestepDeviation = result.GetValue(timestepDeviation),
            GuidanceScale = result.GetValue(guidanceScale),
            SampleSelection = Word<SampleSelection>(result, sampleSelection),
            CalibrationBatch = result.GetValue(calibrationBatch),
            Seed = result.GetValue(seed),
            Device = result.GetValue(device),
            Threads = result.GetValue(threads),
            ClipSample = result.GetValue(clipSample),
            InputRoles = RecipeOverrides.None.InputRoles.SetItems(
                result.GetValue(inputRoles)!.Select(RecipeOverrides.ParseInputRole)
            ),
            Conditioning = result.GetValue(conditioning),
            Prompts = result.GetValue(prompts),
            Parts = RecipeOverrides.None.Parts.SetItems(result.GetValue(parts)!.Select(RecipeOverrides.ParsePart)),
            TrainingData = result.GetValue(trainingData),
            Dimensions = RecipeOverrides.None.Dimensions.SetItems(
                result.GetValue(dimensions)!.Select(RecipeOverrides.ParseDimension)
            ),
        };
        var all = first.Over(given);
        return result.GetValue(recipeFile) is { } path ? all.Over(RecipeFile.Read(path)) : all;
    }

    private static Option<string?> Text(string name, string helpName, string description) =>
        new(name) { Description = description, HelpName = helpName };

    private static Option<int?> Number(string name, string description) =>
        new(name) { Description = description, HelpName = "N" };

    private static Option<double?> Decimal(string name, string description) =>
        new(name) { Description = description, HelpName = "NUMBER" };

    private static T? Word<T>(ParseResult result, Option<string?> option)
        where T : struct, Enum => result.GetValue(option) is { } word ? RecipeWords.Parse<T>(option.Name, word) : null;
}
