using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Benchmarks;

/// <summary>What is done to a quantization before the gate judges it.</summary>
internal enum StabilityKind
{
    /// <summary>Nothing: its snapshot is what the others of its base are held against.</summary>
    Verified,

    /// <summary>Another seed of calibration, other last digits of every kernel, other threads and batches: as good as before.</summary>
    Variant,

    /// <summary>Other last digits of every kernel alone: what another processor makes of the same recipe.</summary>
    Kernels,

    /// <summary>Weights of 3 bits in the place of 4.</summary>
    FewerBits,

    /// <summary>Weights of 4 bits in the place of 8 in a quarter of the layers.</summary>
    QuarterOfLayers,

    /// <summary><c>minmax</c> in the place of <c>pqd</c>.</summary>
    MinMax,

    /// <summary>All codes of one convolution's weight are one step higher.</summary>
    ShiftedCodes,

    /// <summary>The quantized model has a scheduler_config.json with another prediction type or beta schedule.</summary>
    ArtifactSchedule,

    /// <summary>The float model has one, and so have both.</summary>
    SourceSchedule,

    /// <summary>Calibrated on noise in the place of trajectories.</summary>
    NoiseCalibration,
}

/// <summary>One quantization and the judgement on it.</summary>
/// <param name="Model">The model.</param>
/// <param name="Method">The method of its base.</param>
/// <param name="Bits">The widths of its base.</param>
/// <param name="Kind">What is done to it.</param>
/// <param name="Index">Which of its kind, from 1 on; it is also the seed of calibration.</param>
internal sealed record StabilityCase(
    StabilityModel Model,
    string Method,
    string Bits,
    StabilityKind Kind,
    int Index = 0
)
{
    /// <summary>Of how many convolutions the codes are shifted in turn.</summary>
    public const int Shifts = 6;

    private static readonly (string Method, string Bits)[] Bases =
    [
        ("mse", "W8A8"),
        ("mse", "W4A8"),
        ("pqd", "W4A8"),
        ("mse", "W6A6"),
    ];

    /// <summary>A name for files.</summary>
    public string Name => $"{Model.Name}-{Bits}-{Method}-{Kind}-{Index}".ToLowerInvariant();

    /// <summary>What the table calls the base.</summary>
    public string Base => $"{Bits} {Method}";

    /// <summary>Whether the gate should fail it.</summary>
    public bool IsRegression => Kind > StabilityKind.Kernels;

    /// <summary>Whether last digits of kernels are changed.</summary>
    public bool HasKernelNoise => Kind is StabilityKind.Variant or StabilityKind.Kernels;

    /// <summary>The one that it is held against.</summary>
    public StabilityCase Verified => this with { Kind = StabilityKind.Verified, Index = 0 };

    /// <summary>The recipe that it is made by.</summary>
    public Recipe Recipe =>
        new(BitWidths.Parse(Kind == StabilityKind.FewerBits ? Bits.Replace("W4", "W3") : Bits))
        {
            Method = Kind == StabilityKind.MinMax ? "minmax" : Method,
            Effort = Effort.Quick,
            Steps = Model.Steps,
            Conditioning = Model.Conditioning,
            Seed = Kind == StabilityKind.Kernels ? 0 : Index,
            Device = "cpu",
            Threads = HasKernelNoise ? 1 + (Index % 2) : 1,
        };

    /// <summary>Images at a time in its evaluation; null for the usual number.</summary>
    public int? Batch => HasKernelNoise && Index % 2 == 1 ? 8 : null;

    /// <summary>All cases of a model: what is verified first.</summary>
    public static IEnumerable<StabilityCase> Of(StabilityModel model)
    {
        foreach (var (method, bits) in Bases)
        {
            yield return new(model, method, bits, StabilityKind.Verified);
        }

        foreach (
            var made in Many(StabilityKind.Variant, 5, 0, 1, 3)
                .Concat(Many(StabilityKind.ArtifactSchedule, 4, 0))
                .Concat(Many(StabilityKind.NoiseCalibration, 2, 0, 3))
                .Concat(Many(StabilityKind.ShiftedCodes, Shifts, 0))
                .Concat(Many(StabilityKind.ShiftedCodes, Shifts / 3, 1))
                .Concat(Many(StabilityKind.QuarterOfLayers, 4, 0))
                .Concat(Many(StabilityKind.FewerBits, 2, 1))
                .Concat(Many(StabilityKind.MinMax, 4, 2))
                .Concat(Many(StabilityKind.SourceSchedule, 2, 0))
                .Concat(Many(StabilityKind.Kernels, 1, 0, 1, 3))
                .Concat(Many(StabilityKind.Variant, 5, 2))
                .Concat(Many(StabilityKind.FewerBits, 2, 2))
                .Concat(Many(StabilityKind.Kernels, 1, 2))
        )
        {
            yield return made;
        }

        IEnumerable<StabilityCase> Many(StabilityKind kind, int count, params int[] bases) =>
            bases.SelectMany(b =>
                Enumerable
                    .Range(1, count)
                    .Select(i => new StabilityCase(model, Bases[b].Method, Bases[b].Bits, kind, i))
            );
    }
}
