using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Reconstruction;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Gives output channels with outliers one bit more than the recipe says and as many without them one bit less: OMQ of MPQ-DM
/// (Feng et al., AAAI 2025). Channels are ordered by the kurtosis of their weights; how many change is searched by the error
/// of the layer's output, <c>‖XWᵀ − X̂Q(W)ᵀ‖²</c>. Layers of 8 bits stay as they are, and so do those that do not multiply rows
/// with a constant weight (transposed convolutions).
/// </summary>
/// <remarks>
/// It works on the weights as it finds them: <see cref="ChannelSmoothing"/> before it is the paper's pre-scaling. It needs
/// calibration's pairs, and for activations that no pass has chosen quantizers for their statistics. A pass that chooses
/// quantizers behind it (<see cref="SearchRanges"/>) does so at the channels' own widths.
/// </remarks>
/// <param name="weights">How each channel's range is found; the candidates are compared with these ranges.</param>
/// <param name="activations">How ranges of activations are found that have no quantizer yet.</param>
/// <param name="quantizesActivations">
/// Whether the error is that of quantized activations X̂, as the paper has it; the released code takes X. Layers whose plan
/// leaves activations in float always take X.
/// </param>
/// <param name="extraShare">The share of channels that 2-bit layers raise besides, with none lowered: 0.1 for MPQ-DM+.</param>
/// <param name="order">Which channels get more bits.</param>
/// <exception cref="ArgumentOutOfRangeException">The share is not between 0 and 1.</exception>
public sealed class OutlierDrivenBitAllocation(
    IRangeEstimator weights,
    IRangeEstimator activations,
    bool quantizesActivations = true,
    double extraShare = 0,
    ChannelOrder order = ChannelOrder.Kurtosis
) : IQuantizationPass
{
    /// <summary>The only width at which MPQ-DM+ raises more channels than it lowers.</summary>
    private const int ExtraBits = 2;

    /// <summary>The widths of channels, from N.</summary>
    private static readonly int[] Offsets = [-1, 0, 1];

    private readonly double extraShare = extraShare is >= 0 and <= 1
        ? extraShare
        : throw new ArgumentOutOfRangeException(nameof(extraShare));

    /// <inheritdoc/>
    public string Name => "allocate bits to channels";

    /// <inheritdoc/>
    public double Weight => 60;

    /// <inheritdoc/>
    public bool Applies(Recipe recipe) => recipe.Bits.QuantizesWeights;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context)
    {
        var plans = state.Plan.Layers.ToArray();
        var chosen = state
            .Layers.Select((layer, place) => (Layer: layer, Place: place))
            .Where(l => IsMixed(plans[l.Place], l.Layer))
            .ToDictionary(l => l.Layer, l => (l.Place, Inputs: new LayerInputs(l.Layer)));
        using var errors = new OutputErrors(Offsets.Length, context.Session);
        var done = 0;
        foreach (var portion in Portions(chosen.ToDictionary(l => l.Key, l => l.Value.Inputs), context))
        {
            var rows = LayerRows.Collect(state, portion, context);
            foreach (var (layer, inputs) in portion)
            {
                context.Cancellation.ThrowIfCancellationRequested();
                var place = chosen[layer].Place;
                plans[place] = Allocate(state, layer, plans[place], place, new(inputs, rows[layer], errors));
                context.Progress((double)++done / chosen.Count, layer.Name);
            }
        }

        return state with
        {
            Plan = state.Plan with { Layers = plans },
        };
    }

    private static bool IsMixed(LayerPlan plan, QuantizableLayer layer) =>
        plan is { WeightBits: >= 2 and < 8, Mode: not LayerMode.Float }
        && LayerInputs.AreRowsOf(plan)
        && layer.Node.Int("transA") == 0;

    /// <summary>Layers whose rows fit the memory together.</summary>
    private static IEnumerable<IReadOnlyDictionary<QuantizableLayer, LayerInputs>> Portions(
        IReadOnlyDictionary<QuantizableLayer, LayerInputs> layers,
        PassContext context
    )
    {
        var portion = new Dictionary<QuantizableLayer, LayerInputs>();
        var held = 0L;
        foreach (var (layer, inputs) in layers)
        {
            var bytes = LayerRows.BytesOf(inputs);
            // Lists that grow and their copies take a few times what they hold.
            if (portion.Count > 0 && held + bytes > context.Memory.Bytes / 4)
            {
                yield return portion;
                (portion, held) = ([], 0);
            }

            portion[layer] = inputs;
            held += bytes;
        }

        if (portion.Count > 0)
        {
            yield return portion;
        }
    }

    private LayerPlan Allocate(QuantizationState state, QuantizableLayer layer, LayerPlan plan, int place, Rows rows)
    {
        var bits = plan.WeightBits!.Value;
        var weight = layer.Weight!;
        var (values, dims) = (weight.ToFloats(), weight.Dims.ToArray());
        QuantizedWeight[] candidates =
        [
            .. Offsets.Select(o => WeightQuantizer.Quantize(values, dims, layer.ChannelAxis, bits + o, weights)),
        ];
        var errors = rows.Errors(Activation(state, plan), layer, candidates);
        var allocations = ChannelBitAllocation.Candidates(
            Order(values.Span, dims, layer.ChannelAxis, (ulong)state.Recipe.Seed, place),
            bits,
            bits == ExtraBits ? extraShare : 0
        );
        var best = ChannelBitAllocation.Best(allocations, (channel, width) => errors[width - bits + 1][channel]);
        if (Array.TrueForAll(best, b => b == bits))
        {
            return plan with { ChannelBits = null, Weight = candidates[1] };
        }

        UniformQuantizer[] quantizers = [.. best.Select((b, c) => candidates[b - bits + 1].Quantizers[c])];
        return plan with
        {
            ChannelBits = best,
            Weight = WeightQuantizer.Quantize(values.Span, dims, layer.ChannelAxis, quantizers),
        };
    }

    private int[] Order(ReadOnlySpan<float> values, long[] dims, int axis, ulong seed, int layer)
    {
        var channels = Enumerable.Range(0, (int)dims[axis]);
        if (order == ChannelOrder.Random)
        {
            var drawn = new long[(int)dims[axis]];
            new UnitRandom(seed, layer).Rows(0, drawn.Length, drawn);
            return Array.ConvertAll(drawn, c => (int)c);
        }

        var kurtosis = Kurtosis.OfChannels(values, dims, axis);
        return order == ChannelOrder.Kurtosis
            ? [.. channels.OrderByDescending(c => kurtosis[c])]
            : [.. channels.OrderBy(c => kurtosis[c])];
    }

    /// <summary>The quantizer of what a layer reads; null for floats.</summary>
    private UniformQuantizer? Activation(QuantizationState state, LayerPlan plan) =>
        !quantizesActivations || plan.Inputs is not [var point] ? null
        : state.Plan.Activations.TryGetValue(point, out var known) ? known
        : activations.Estimate(state.Statistics!.Of(point.Value).All, point.Bits, point.Symmetry);

    /// <summary>A layer's rows, and how errors are measured on them.</summary>
    private sealed record Rows(LayerInputs Inputs, float[][] Groups, OutputErrors Measure)
    {
        /// <summary>For each candidate the error of each output channel.</summary>
        public float[][] Errors(
            UniformQuantizer? activation,
            QuantizableLayer layer,
            IReadOnlyList<QuantizedWeight> candidates
        )
        {
            var (dims, axis) = (layer.Weight!.Dims.ToArray(), layer.ChannelAxis);
            var weights = WeightChannels.Gather(layer.Weight.ToFloats().Span, dims, axis);
            float[][][] quantized = [.. candidates.Select(c => WeightChannels.Gather<float>(c.ToFloats(), dims, axis))];
            float[][] errors = [.. candidates.Select(_ => new float[weights.Length])];
            var perGroup = weights.Length / Groups.Length;
            for (var group = 0; group < Groups.Length; group++)
            {
                var (x, first) = (Groups[group], group * perGroup);
                var rounded = activation is { } quantizer ? Array.ConvertAll(x, quantizer.Simulate) : x;
                var part = Measure.Of(
                    x,
                    rounded,
                    weights[first..(first + perGroup)],
                    [.. quantized.Select(q => q[first..(first + perGroup)])]
                );
                for (var i = 0; i < errors.Length; i++)
                {
                    part[i].CopyTo(errors[i], first);
                }
            }

            return errors;
        }
    }
}
