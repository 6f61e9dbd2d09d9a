using DiffusionQuant.Quantization.Methods;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Training;

namespace DiffusionQuant.Benchmarks;

/// <summary>
/// Methods with some of their parts left out or replaced, named <c>method:variant</c>: what each part is worth.
/// </summary>
internal static class MethodVariants
{
    private static readonly Dictionary<string, Func<IReadOnlyList<IQuantizationPass>>> Variants = new(
        StringComparer.Ordinal
    )
    {
        ["tcaq-dm:base"] = () =>
            Of(
                TcaqDm.Method,
                p => p is not (TimestepChannelReparameterization or ScaleTimesteps or AdaptiveSoftmaxQuantizer),
                Once
            ),
        ["tcaq-dm:+timesteps"] = () =>
            Of(TcaqDm.Method, p => p is not (TimestepChannelReparameterization or AdaptiveSoftmaxQuantizer), Once),
        ["tcaq-dm:+tcr"] = () => Of(TcaqDm.Method, p => p is not AdaptiveSoftmaxQuantizer, Once),
        ["tcaq-dm:+tcr+daq"] = () => Of(TcaqDm.Method, _ => true, Once),
        ["tcaq-dm:by-product-error"] = () => Of(TcaqDm.Method, _ => true, ByProductError),
        ["tcaq-dm:balanced"] = () => Of(TcaqDm.Method, _ => true, Balanced),
        ["mpq-dm:base"] = () => MpqDm.Passes(null, null),
        ["mpq-dm:+omq"] = () => MpqDm.Passes(Allocation(ChannelOrder.Kurtosis), null),
        ["mpq-dm:min-max"] = () => [.. MpqDm.Passes(null, null).Select(ByExtremes)],
        ["mpq-dm:min-max+omq"] = () =>
            [
                .. MpqDm
                    .Passes(new OutlierDrivenBitAllocation(new MinMaxRange(), new PercentileRange()), null)
                    .Select(ByExtremes),
            ],
        ["mpq-dm:+trd"] = () => MpqDm.Passes(null, new()),
        ["mpq-dm:reversed-order"] = () => MpqDm.Passes(Allocation(ChannelOrder.Reversed), new()),
        ["mpq-dm:random-order"] = () => MpqDm.Passes(Allocation(ChannelOrder.Random), new()),
        ["mpq-dm:trd-0.01"] = () => Relation(new() { Weight = 0.01f }),
        ["mpq-dm:trd-0.1"] = () => Relation(new() { Weight = 0.1f }),
        ["mpq-dm:trd-10"] = () => Relation(new() { Weight = 10 }),
        ["mpq-dm:trd-window-1"] = () => Relation(new() { Window = 1 }),
        ["mpq-dm:trd-window-4"] = () => Relation(new() { Window = 4 }),
        ["q-dm:lsq"] = () => QDm.Passes(null, null),
        ["q-dm:+taq"] = () => QDm.Passes(TimestepNormalization.Table, null),
        ["q-dm:+taq-batch"] = () => QDm.Passes(TimestepNormalization.Batch, null),
        ["q-dm:+nem"] = () => QDm.Passes(null, new()),
        ["q-dm:+taq-batch+nem"] = () => QDm.Passes(TimestepNormalization.Batch, new()),
        ["q-dm:from-tcaq-dm"] = () =>
            [
                .. TcaqDm.Method.Passes.TakeWhile(p => p is not AdaptiveSoftmaxQuantizer),
                new Gptq(),
                .. QDm.Passes(null, new()).SkipWhile(p => p is not LsqTraining),
            ],
    };

    /// <summary>The names of all variants.</summary>
    public static IEnumerable<string> Names => Variants.Keys;

    /// <summary>The method that a name belongs to.</summary>
    public static string MethodOf(string name) => name.Split(':')[0];

    /// <summary>The passes that a name stands for.</summary>
    public static IReadOnlyList<IQuantizationPass> Passes(string name) =>
        Variants.TryGetValue(name, out var variant) ? variant()
        : name.Contains(':') ? throw new ArgumentException($"'{name}' is none of {string.Join(", ", Names)}.")
        : MethodCatalog.Find(name).Passes;

    private static IQuantizationPass[] Of(
        QuantizationMethod method,
        Func<IQuantizationPass, bool> keeps,
        Func<IQuantizationPass, IQuantizationPass>? change = null
    ) => [.. method.Passes.Where(keeps).Select(p => change?.Invoke(p) ?? p)];

    /// <summary>Without rounds along the quantized network's trajectories.</summary>
    private static IQuantizationPass Once(IQuantizationPass pass) =>
        pass is ProgressiveReconstruction ? TcaqDm.Reconstruction(rounds: 0) : pass;

    /// <summary>With weaker ratios of channels where weights would pay too much.</summary>
    private static IQuantizationPass Balanced(IQuantizationPass pass) =>
        pass is TimestepChannelReparameterization ? new TimestepChannelReparameterization(balanced: true) : pass;

    /// <summary>With ranges of weights from least to greatest, as the released code of MPQ-DM compares bits.</summary>
    private static IQuantizationPass ByExtremes(IQuantizationPass pass) =>
        pass is SearchRanges ? new SearchRanges(weights: new MinMaxRange(), activations: new PercentileRange()) : pass;

    /// <summary>Bits by channel, and relations weighed otherwise.</summary>
    private static IReadOnlyList<IQuantizationPass> Relation(RelationDistillation relation) =>
        MpqDm.Passes(Allocation(ChannelOrder.Kurtosis), relation);

    private static OutlierDrivenBitAllocation Allocation(ChannelOrder order) =>
        new(new MseRange(), new PercentileRange(), order: order);

    private static IQuantizationPass ByProductError(IQuantizationPass pass) =>
        pass is AdaptiveSoftmaxQuantizer
            ? new AdaptiveSoftmaxQuantizer(SoftmaxCriterion.ProductError, new PercentileRange())
            : pass;
}
