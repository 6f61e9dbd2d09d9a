using System.Collections.Immutable;
using System.Security.Cryptography;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>
/// Everything that can change the result of a quantization, apart from the model itself. Two recipes with one
/// <see cref="Hash"/> give, on one model, one kind of device and one version of the algorithms, the same bytes.
/// </summary>
/// <remarks>Each property checks what it is set to, so that a recipe that exists is valid.</remarks>
public sealed record Recipe
{
    private const double LeastDeviation = 0.0001;

    /// <summary>Makes a recipe of defaults.</summary>
    /// <param name="bits">The bits of layers that no rule speaks of.</param>
    public Recipe(BitWidths bits) => Bits = bits;

    /// <summary>The bits of layers that no rule speaks of.</summary>
    /// <exception cref="DiffusionQuantException">DQ1070: its weights are not quantized.</exception>
    public BitWidths Bits
    {
        get;
        init => field = BitWidths.IsWeightWidth(value.WeightBits) ? value : throw RecipeErrors.BadBitWidths($"{value}");
    }

    /// <summary>The method's name in lower case; which names there are is known to the catalogue of methods.</summary>
    public string Method
    {
        get;
        init => field = RecipeChecks.Name("method", value);
    } = "mse";

    /// <summary>Which layers keep more bits than the rest.</summary>
    public Policy Policy { get; init; } = Policy.Strict;

    /// <summary>The user's own rules; they come behind the policy's and win over them.</summary>
    public ImmutableArray<LayerRule> Rules
    {
        get;
        init => field = value.IsDefault ? [] : value;
    } = [];

    /// <summary>Bits of the attention's softmax output (zero point 0): 2 to 8, or 16 or 32 for floating point.</summary>
    public int SoftmaxBits
    {
        get;
        init => field = BitWidths.IsActivationWidth(value) ? value : throw RecipeErrors.BadSoftmaxBits(value);
    } = 8;

    /// <summary>The sampler whose trajectories calibration follows; null for the model's own, DDIM in the place of DDPM.</summary>
    public SolverKind? Sampler { get; init; }

    /// <summary>η of DDIM (0 is deterministic, 1 has the noise of DDPM), γ of TCD; null for the sampler's own, 0 and 0.3.</summary>
    public double? Eta
    {
        get;
        init => field = RecipeChecks.Range("eta", value, 0, 1);
    }

    /// <summary>How the steps are spread over the training timesteps.</summary>
    public TimeGridKind TimeGrid { get; init; } = TimeGridKind.Uniform;

    /// <summary>Sampling steps of a trajectory.</summary>
    public int Steps
    {
        get;
        init => field = RecipeChecks.Range("steps", value, 1, 10_000);
    } = 50;

    /// <summary>How long methods with reconstruction may work.</summary>
    public Effort Effort { get; init; } = Effort.Standard;

    /// <summary>Gradient steps of a block's reconstruction; null for what the effort allows.</summary>
    public int? Iterations
    {
        get;
        init => field = RecipeChecks.Range(RecipeKeys.Iterations, value, 1, 1_000_000);
    }

    /// <summary>How many pairs (x_t, t) calibration keeps; null for what method and effort want.</summary>
    public int? CalibrationSamples
    {
        get;
        init => field = RecipeChecks.Range(RecipeKeys.CalibrationSamples, value, 1, 1_000_000);
    }

    /// <summary>How the timesteps of the pairs are chosen; null for the method's own law.</summary>
    public TimestepLaw? TimestepSampling { get; init; }

    /// <summary>The mean of a normal law, as a fraction of T; null for the law's own.</summary>
    public double? TimestepMean
    {
        get;
        init => field = RecipeChecks.Range(RecipeKeys.TimestepMean, value, 0.0, 1.0);
    }

    /// <summary>The standard deviation of a normal law, as a fraction of T; null for the law's own.</summary>
    public double? TimestepDeviation
    {
        get;
        init => field = RecipeChecks.Range(RecipeKeys.TimestepDeviation, value, LeastDeviation, 1.0);
    }

    /// <summary>s of classifier-free guidance on the trajectories of calibration, u + s·(c − u); 1 for none; null for what the
    /// model's family usually takes where there are <see cref="Prompts"/>, else for none. With guidance the conditional and
    /// the unconditional calls are calibrated.</summary>
    public double? GuidanceScale
    {
        get;
        init => field = RecipeChecks.Range(RecipeKeys.GuidanceScale, value, 0.0, 100.0);
    }

    /// <summary>Which of the collected pairs are kept.</summary>
    public SampleSelection SampleSelection { get; init; } = SampleSelection.All;

    /// <summary>How many pairs run at once.</summary>
    public int CalibrationBatch
    {
        get;
        init => field = RecipeChecks.Range("calibrationBatch", value, 1, 4096);
    } = 4;

    /// <summary>The seed of every random choice.</summary>
    public long Seed
    {
        get;
        init => field = RecipeChecks.Range("seed", value, 0, long.MaxValue);
    }

    /// <summary>Where to compute: <c>auto</c>, a kind of device such as <c>cpu</c> or <c>cuda</c>, or one of them, <c>cuda:1</c>.</summary>
    public string Device
    {
        get;
        init => field = RecipeChecks.Device(value);
    } = "auto";

    /// <summary><see cref="Device"/> without the index: which card of a kind does not change a result.</summary>
    public string DeviceKind => Device.Split(':')[0];

    /// <summary>Threads of a computation; 0 is one per core.</summary>
    public int Threads
    {
        get;
        init => field = RecipeChecks.Range("threads", value, 0, 1024);
    }

    /// <summary>What the model's inputs mean where their names do not tell: input name to the word of a <see cref="DenoiserRole"/>, <c>class-label</c> for instance.</summary>
    public ImmutableSortedDictionary<string, string> InputRoles
    {
        get;
        init => field = RecipeChecks.Roles(value);
    } = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <summary>Values for inputs that sampling cannot make up (text states ...): a <c>.npz</c> or <c>.npy</c> file or a folder of
    /// <c>.npy</c> files, with arrays named like the inputs; null for none. Content, not place, decides the hash.</summary>
    public string? Conditioning
    {
        get;
        init
        {
            field = value;
            ConditioningHash = value is null ? null : RecipeContent.HashOf(value, "*.npy");
        }
    }

    /// <summary>What <see cref="Conditioning"/> holds, as SHA-256; null where nothing is given.</summary>
    public string? ConditioningHash { get; private init; }

    /// <summary>Prompts whose trajectories calibrate the model: a text file in UTF-8 with one a line, encoded by the model's
    /// own text encoders; null for none. Content, not place, decides the hash.</summary>
    public string? Prompts
    {
        get;
        init
        {
            field = value;
            PromptsHash = value is null ? null : RecipeContent.HashOf(value);
        }
    }

    /// <summary>What <see cref="Prompts"/> holds, as SHA-256; null where nothing is given.</summary>
    public string? PromptsHash { get; private init; }

    /// <summary>What becomes of a pipeline's other parts, by folder: the word of a <see cref="Quantization.Parts.PartForm"/>,
    /// <c>text_encoder</c> to <c>W8A16</c> for instance. Those that are not named stay as they are.</summary>
    public ImmutableSortedDictionary<string, string> Parts
    {
        get;
        init => field = RecipeChecks.Parts(value);
    } = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <summary>Images that quantization-aware training takes its x_t from: a <c>.npy</c> or <c>.npz</c> file of bytes, CIFAR-10's
    /// <c>.bin</c> files, or a folder of image files; null for the float network's own trajectories. Content, not place, decides
    /// the hash. Methods without such training do not read them.</summary>
    public string? TrainingData
    {
        get;
        init
        {
            field = value;
            TrainingDataHash = value is null ? null : RecipeContent.HashOf(value, "*", below: true);
        }
    }

    /// <summary>What <see cref="TrainingData"/> holds, as SHA-256; null where nothing is given.</summary>
    public string? TrainingDataHash { get; private init; }

    /// <summary>Sizes of symbolic dimensions that the model's files leave open, by name: <c>height</c> for instance.</summary>
    public ImmutableSortedDictionary<string, int> Dimensions
    {
        get;
        init => field = RecipeChecks.Dimensions(value);
    } = ImmutableSortedDictionary.Create<string, int>(StringComparer.Ordinal);

    /// <summary>Whether the predicted clean image is clipped to [−1, 1]; null leaves it to the model's scheduler.</summary>
    public bool? ClipSample { get; init; }

    /// <summary>Of which model's weights the recipe was made (<see cref="Artifacts.WeightsHash"/>), in lower-case hexadecimal;
    /// null for any. It changes no result, and so no hash.</summary>
    public string? WeightsSha256
    {
        get;
        init => field = RecipeChecks.Sha256(RecipeKeys.WeightsSha256, value);
    }

    /// <summary>The policy's rules and behind them the user's.</summary>
    public ImmutableArray<LayerRule> AllRules => [.. Policy.Rules(Bits), .. Rules];

    /// <summary>The recipe as JSON of one form: keys sorted, numbers invariant, no spaces; readable as a recipe file.</summary>
    public string CanonicalJson => RecipeJson.Write(this);

    /// <summary>SHA-256 of <see cref="CanonicalJson"/> in lower-case hexadecimal.</summary>
    public string Hash => Convert.ToHexStringLower(SHA256.HashData(RecipeJson.WriteUtf8(this)));

    /// <summary>The bits of a layer, after all rules.</summary>
    public BitWidths BitsOf(LayerDescription layer) => LayerRule.Resolve(Bits, AllRules, layer);

    /// <summary>The scale of guidance for a model (<see cref="GuidanceScale"/>).</summary>
    internal double GuidanceScaleFor(DiffusionModel model) =>
        GuidanceScale ?? (Prompts is null ? 1 : model.UsualGuidanceScale);

    /// <summary>Makes a recipe of what is given, and defaults for the rest.</summary>
    /// <exception cref="DiffusionQuantException">DQ1070 to DQ1089: a value is not allowed, or no bits are given.</exception>
    public static Recipe Of(RecipeOverrides overrides) =>
        new Recipe(overrides.Bits ?? throw RecipeErrors.BitsMissing()).With(overrides);

    /// <summary>Reads a recipe file (<c>diffquant.json</c>).</summary>
    /// <param name="path">The file; comments and trailing commas are allowed in it.</param>
    /// <param name="overrides">What wins over the file, from a command line for instance.</param>
    /// <exception cref="DiffusionQuantException">DQ1070 to DQ1089: the file or a value in it is not allowed.</exception>
    public static Recipe Load(string path, RecipeOverrides? overrides = null) =>
        Of((overrides ?? RecipeOverrides.None).Over(RecipeFile.Read(path)));

    /// <summary>This recipe with what is given in place of its own; rules are put behind the present ones.</summary>
    /// <exception cref="DiffusionQuantException">DQ1070 to DQ1089: a value is not allowed.</exception>
    public Recipe With(RecipeOverrides overrides)
    {
        var result = this with
        {
            Bits = overrides.Bits ?? Bits,
            Method = overrides.Method ?? Method,
            Policy = overrides.Policy ?? Policy,
            Rules = Rules.AddRange(overrides.Rules),
            SoftmaxBits = overrides.SoftmaxBits ?? SoftmaxBits,
            Sampler = overrides.Sampler ?? Sampler,
            Eta = overrides.Eta ?? Eta,
            TimeGrid = overrides.TimeGrid ?? TimeGrid,
            Steps = overrides.Steps ?? Steps,
            Effort = overrides.Effort ?? Effort,
            Iterations = overrides.Iterations ?? Iterations,
            CalibrationSamples = overrides.CalibrationSamples ?? CalibrationSamples,
            TimestepSampling = overrides.TimestepSampling ?? TimestepSampling,
            TimestepMean = overrides.TimestepMean ?? TimestepMean,
            TimestepDeviation = overrides.TimestepDeviation ?? TimestepDeviation,
            GuidanceScale = overrides.GuidanceScale ?? GuidanceScale,
            SampleSelection = overrides.SampleSelection ?? SampleSelection,
            CalibrationBatch = overrides.CalibrationBatch ?? CalibrationBatch,
            Seed = overrides.Seed ?? Seed,
            Device = overrides.Device ?? Device,
            Threads = overrides.Threads ?? Threads,
            InputRoles = InputRoles.SetItems(overrides.InputRoles),
            ClipSample = overrides.ClipSample ?? ClipSample,
            Conditioning = overrides.Conditioning ?? Conditioning,
            Prompts = overrides.Prompts ?? Prompts,
            Parts = Parts.SetItems(overrides.Parts),
            TrainingData = overrides.TrainingData ?? TrainingData,
            Dimensions = Dimensions.SetItems(overrides.Dimensions),
            WeightsSha256 = overrides.WeightsSha256 ?? WeightsSha256,
        };
        RecipeChecks.Together(result);
        return result;
    }

    /// <summary>Equal when the canonical JSON and the device are.</summary>
    public bool Equals(Recipe? other) =>
        other is not null && Device == other.Device && CanonicalJson == other.CanonicalJson;

    /// <inheritdoc/>
    public override int GetHashCode() => CanonicalJson.GetHashCode(StringComparison.Ordinal);

    /// <summary>The canonical JSON.</summary>
    public override string ToString() => CanonicalJson;
}
