using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Training;

namespace DiffusionQuant.Quantization.Methods;

/// <summary>
/// MPQ-DM (AAAI 2025): bits of a layer's output channels by their outliers (OMQ), and data-free fine-tuning with low-rank
/// changes of weights that also compares relations of features (TRD).
/// </summary>
public static class MpqDm
{
    /// <summary>MPQ-DM+ gives one channel in ten a bit more at 2 bits, and takes none from others.</summary>
    private const double PlusShare = 0.1;

    /// <summary>The method.</summary>
    public static QuantizationMethod Method { get; } =
        new(
            "mpq-dm",
            "MPQ-DM (2025): bits by channel, data-free fine-tuning with relations of features; for 2 to 4 bits",
            Passes(new(new MseRange(), new PercentileRange()), new())
        )
        {
            CalibrationSamples = ReconstructionEffort.Samples(thorough: 1024),
        };

    /// <summary>The method with a tenth of the channels raised at 2 bits.</summary>
    public static QuantizationMethod Plus { get; } =
        Method with
        {
            Name = "mpq-dm-plus",
            Summary = "MPQ-DM+: the same, with a bit more for one channel in ten at 2 bits",
            Passes = Passes(new(new MseRange(), new PercentileRange(), extraShare: PlusShare), new()),
        };

    /// <summary>The passes, of which parts can be left out to see what they are worth.</summary>
    /// <param name="allocation">Chooses bits of channels; null for the same bits in all.</param>
    /// <param name="relation">Compares relations; null for the outputs alone.</param>
    internal static IReadOnlyList<IQuantizationPass> Passes(
        OutlierDrivenBitAllocation? allocation,
        RelationDistillation? relation
    ) =>
        [
            .. GraphForm.SampledPasses,
            new ChannelSmoothing(),
            new CollectStatistics(),
            .. (IEnumerable<IQuantizationPass>)(allocation is null ? [] : [allocation]),
            new SearchRanges(weights: new MseRange(), activations: new PercentileRange()),
            new ScaleTimesteps(new PercentileRange()),
            new Gptq(),
            new LowRankFineTuning(recipe => FineTuningEffort.Of(recipe, new() { Iterations = 0, Relation = relation })),
            new LayOutGraph(),
        ];
}
