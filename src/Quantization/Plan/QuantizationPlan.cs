using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Plan;

/// <summary>
/// What becomes of each layer and each activation: data that passes refine and that the simulation and the export both
/// read.
/// </summary>
/// <param name="Layers">All layers of the network, in topological order.</param>
/// <param name="Activations">The quantizer of each activation point, once a pass has chosen it.</param>
public sealed record QuantizationPlan(
    IReadOnlyList<LayerPlan> Layers,
    IReadOnlyDictionary<ActivationPoint, UniformQuantizer> Activations
)
{
    /// <summary>A plan of no layers.</summary>
    public static QuantizationPlan Empty { get; } = new([], new Dictionary<ActivationPoint, UniformQuantizer>());

    /// <summary>The points whose values the graph scales by timestep, with their factors.</summary>
    public IReadOnlyDictionary<ActivationPoint, TimestepTable> Timesteps { get; init; } =
        new Dictionary<ActivationPoint, TimestepTable>();

    /// <summary>Where the graph holds these factors.</summary>
    public IReadOnlyList<TimestepColumn> TimestepColumns { get; init; } = [];

    /// <summary>The values that the graph normalizes before they are rounded.</summary>
    public IReadOnlyList<NormalizedValue> Normalized { get; init; } = [];

    /// <summary>The points whose codes are powers of two; the others' are uniform.</summary>
    public IReadOnlySet<ActivationPoint> Logarithmic { get; init; } = new HashSet<ActivationPoint>();

    /// <summary>The variables α of layers whose rounding was learned (AdaRound): what a later reconstruction goes on from.</summary>
    public IReadOnlyDictionary<string, float[]> Roundings { get; init; } = new Dictionary<string, float[]>();

    /// <summary>All activation points that the layers name, each once, in the layers' order.</summary>
    public IReadOnlyList<ActivationPoint> Points => [.. Layers.SelectMany(l => l.Points).Distinct()];

    /// <summary>The plan of a layer.</summary>
    public LayerPlan? Find(string layer) => Layers.FirstOrDefault(l => l.Layer == layer);
}
