using System.Collections.Immutable;
using System.Globalization;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>A recipe of which only a part is given: a file's content, or a command line's. See <see cref="Recipe"/>.</summary>
public sealed record RecipeOverrides
{
    /// <summary>Nothing given.</summary>
    public static RecipeOverrides None { get; } = new();

    /// <inheritdoc cref="Recipe.Bits"/>
    public BitWidths? Bits { get; init; }

    /// <inheritdoc cref="Recipe.Method"/>
    public string? Method { get; init; }

    /// <inheritdoc cref="Recipe.Policy"/>
    public Policy? Policy { get; init; }

    /// <inheritdoc cref="Recipe.Rules"/>
    public ImmutableArray<LayerRule> Rules { get; init; } = [];

    /// <inheritdoc cref="Recipe.SoftmaxBits"/>
    public int? SoftmaxBits { get; init; }

    /// <inheritdoc cref="Recipe.Sampler"/>
    public SolverKind? Sampler { get; init; }

    /// <inheritdoc cref="Recipe.Eta"/>
    public double? Eta { get; init; }

    /// <inheritdoc cref="Recipe.TimeGrid"/>
    public TimeGridKind? TimeGrid { get; init; }

    /// <inheritdoc cref="Recipe.Steps"/>
    public int? Steps { get; init; }

    /// <inheritdoc cref="Recipe.Effort"/>
    public Effort? Effort { get; init; }

    /// <inheritdoc cref="Recipe.Iterations"/>
    public int? Iterations { get; init; }

    /// <inheritdoc cref="Recipe.CalibrationSamples"/>
    public int? CalibrationSamples { get; init; }

    /// <inheritdoc cref="Recipe.TimestepSampling"/>
    public TimestepLaw? TimestepSampling { get; init; }

    /// <inheritdoc cref="Recipe.TimestepMean"/>
    public double? TimestepMean { get; init; }

    /// <inheritdoc cref="Recipe.TimestepDeviation"/>
    public double? TimestepDeviation { get; init; }

    /// <inheritdoc cref="Recipe.GuidanceScale"/>
    public double? GuidanceScale { get; init; }

    /// <inheritdoc cref="Recipe.SampleSelection"/>
    public SampleSelection? SampleSelection { get; init; }

    /// <inheritdoc cref="Recipe.CalibrationBatch"/>
    public int? CalibrationBatch { get; init; }

    /// <inheritdoc cref="Recipe.Seed"/>
    public long? Seed { get; init; }

    /// <inheritdoc cref="Recipe.Device"/>
    public string? Device { get; init; }

    /// <inheritdoc cref="Recipe.Threads"/>
    public int? Threads { get; init; }

    /// <inheritdoc cref="Recipe.InputRoles"/>
    public ImmutableSortedDictionary<string, string> InputRoles { get; init; } =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <inheritdoc cref="Recipe.ClipSample"/>
    public bool? ClipSample { get; init; }

    /// <inheritdoc cref="Recipe.Conditioning"/>
    public string? Conditioning { get; init; }

    /// <inheritdoc cref="Recipe.Prompts"/>
    public string? Prompts { get; init; }

    /// <inheritdoc cref="Recipe.Parts"/>
    public ImmutableSortedDictionary<string, string> Parts { get; init; } =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <inheritdoc cref="Recipe.TrainingData"/>
    public string? TrainingData { get; init; }

    /// <inheritdoc cref="Recipe.Dimensions"/>
    public ImmutableSortedDictionary<string, int> Dimensions { get; init; } =
        ImmutableSortedDictionary.Create<string, int>(StringComparer.Ordinal);

    /// <inheritdoc cref="Recipe.WeightsSha256"/>
    public string? WeightsSha256 { get; init; }

    /// <summary>Reads a dimension written as <c>NAME=SIZE</c>.</summary>
    /// <exception cref="DiffusionQuantException">DQ1086: it is written otherwise.</exception>
    public static KeyValuePair<string, int> ParseDimension(string text)
    {
        var split = text.LastIndexOf('=');
        return
            split > 0
            && int.TryParse(text.AsSpan(split + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var size)
            ? new(text[..split].Trim(), size)
            : throw RecipeErrors.BadValue(RecipeKeys.Dimensions, text, "NAME=SIZE, height=64 for instance");
    }

    /// <summary>Reads what becomes of a part, written as <c>NAME=FORM</c>.</summary>
    /// <exception cref="DiffusionQuantException">DQ1089: it is written otherwise.</exception>
    public static KeyValuePair<string, string> ParsePart(string text)
    {
        var split = text.IndexOf('=', StringComparison.Ordinal);
        return split > 0 ? new(text[..split].Trim(), text[(split + 1)..].Trim()) : throw RecipeErrors.BadPart(text);
    }

    /// <summary>Reads an input role written as <c>NAME=ROLE</c>.</summary>
    /// <exception cref="DiffusionQuantException">DQ1083: it is written otherwise.</exception>
    public static KeyValuePair<string, string> ParseInputRole(string text)
    {
        var split = text.LastIndexOf('=');
        return split > 0 && split < text.Length - 1
            ? new(text[..split].Trim(), text[(split + 1)..].Trim())
            : throw RecipeErrors.BadInputRole(text);
    }

    /// <summary>What is given here, and below it what is given there; this one's rules come behind the other's.</summary>
    public RecipeOverrides Over(RecipeOverrides other) =>
        new()
        {
            Bits = Bits ?? other.Bits,
            Method = Method ?? other.Method,
            Policy = Policy ?? other.Policy,
            Rules = other.Rules.AddRange(Rules),
            SoftmaxBits = SoftmaxBits ?? other.SoftmaxBits,
            Sampler = Sampler ?? other.Sampler,
            Eta = Eta ?? other.Eta,
            TimeGrid = TimeGrid ?? other.TimeGrid,
            Steps = Steps ?? other.Steps,
            Effort = Effort ?? other.Effort,
            Iterations = Iterations ?? other.Iterations,
            CalibrationSamples = CalibrationSamples ?? other.CalibrationSamples,
            TimestepSampling = TimestepSampling ?? other.TimestepSampling,
            TimestepMean = TimestepMean ?? other.TimestepMean,
            TimestepDeviation = TimestepDeviation ?? other.TimestepDeviation,
            GuidanceScale = GuidanceScale ?? other.GuidanceScale,
            SampleSelection = SampleSelection ?? other.SampleSelection,
            CalibrationBatch = CalibrationBatch ?? other.CalibrationBatch,
            Seed = Seed ?? other.Seed,
            Device = Device ?? other.Device,
            Threads = Threads ?? other.Threads,
            InputRoles = other.InputRoles.SetItems(InputRoles),
            ClipSample = ClipSample ?? other.ClipSample,
            Conditioning = Conditioning ?? other.Conditioning,
            Prompts = Prompts ?? other.Prompts,
            Parts = other.Parts.SetItems(Parts),
            TrainingData = TrainingData ?? other.TrainingData,
            Dimensions = other.Dimensions.SetItems(Dimensions),
            WeightsSha256 = WeightsSha256 ?? other.WeightsSha256,
        };
}
