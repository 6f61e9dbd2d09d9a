using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Artifacts;

/// <summary>Describes the layers of a finished plan.</summary>
internal static class ReportBuilder
{
    public static IReadOnlyList<LayerReport> Layers(
        QuantizationState state,
        IReadOnlyDictionary<string, double> outputSqnr
    )
    {
        var graph = state.Graph.Graph;
        return
        [
            .. state.Plan.Layers.Zip(
                state.Layers,
                (plan, layer) =>
                    Layer(
                        state,
                        graph,
                        plan,
                        layer,
                        outputSqnr.TryGetValue(plan.Layer, out var decibels) ? decibels : null
                    )
            ),
        ];
    }

    private static LayerReport Layer(
        QuantizationState state,
        OnnxGraph graph,
        LayerPlan plan,
        QuantizableLayer layer,
        double? outputSqnr
    )
    {
        var bias = layer.Kind is LayerKind.Convolution or LayerKind.Gemm or LayerKind.TransposedConvolution
            ? layer.Node.Input(2)
            : null;
        var parameters =
            (layer.Weight?.ElementCount ?? 0)
            + (bias is not null && graph.Initializers.TryGetValue(bias, out var tensor) ? tensor.ElementCount : 0);
        var isLogarithmic = plan.Inputs.Any(state.Plan.Logarithmic.Contains);
        return new(
            plan.Layer,
            plan.OpType,
            Words(plan.Positions),
            isLogarithmic ? LayerMode.Float : plan.Mode,
            isLogarithmic ? "its softmax has powers of two for codes, which no integer kernel multiplies" : plan.Reason,
            layer.Weight?.Dims.ToArray(),
            parameters,
            plan.Weight is null ? null : plan.WeightBits,
            plan.Weight is null
                ? null
                : Rounded(SignalToNoise.Decibels(layer.Weight!.ToFloats().Span, plan.Weight.ToFloats())),
            [
                .. plan.Inputs.Select(p =>
                    Activation(state, p) with
                    {
                        Deviations =
                            plan.Kind == LayerKind.MatrixProduct && p.Symmetry != Symmetry.ZeroBased
                                ? Deviations(state, p)
                                : null,
                    }
                ),
            ],
            plan.Output is null ? null : Activation(state, plan.Output),
            outputSqnr,
            plan.ChannelBits is null ? null : Math.Round(plan.Weight!.MeanBits, 4),
            plan.ChannelBits is null ? null : Widths(plan.Weight!, layer.Weight!)
        );
    }

    private static IReadOnlyList<ChannelWidth> Widths(QuantizedWeight weight, OnnxTensor floats)
    {
        var kurtosis = Kurtosis.OfChannels(floats.ToFloats().Span, weight.Dims, weight.Axis);
        return
        [
            .. weight.Widths.Select(w =>
            {
                double[] own = [.. w.Channels.Select(c => Rounded(kurtosis[c])).Order()];
                return new ChannelWidth(w.Bits, own.Length, own[0], own[own.Length / 2], own[^1]);
            }),
        ];
    }

    private static ActivationReport Activation(QuantizationState state, ActivationPoint point)
    {
        var quantizer = state.Plan.Activations[point];
        var seen = state.Statistics!.Of(point.Value).All;
        return new(
            point.Value,
            point.Bits,
            quantizer.Scale,
            quantizer.ZeroPoint,
            seen.Min,
            seen.Max,
            Rounded(SignalToNoise.Decibels(seen, quantizer)),
            state.Plan.Logarithmic.Contains(point) ? true : null,
            state.Plan.Timesteps.TryGetValue(point, out var table)
                ? [.. table.Timesteps.Zip(table.Factors, (t, f) => new TimestepScale(t, f * quantizer.Scale))]
                : null
        );
    }

    /// <summary>Of the timesteps that calibration saw; a factor on all of them shows the value itself.</summary>
    private static IReadOnlyList<TimestepDeviation> Deviations(QuantizationState state, ActivationPoint point)
    {
        var seen = state.Statistics!.Of(point.Value).ByTimestep;
        var factors = state.Plan.Timesteps.TryGetValue(point, out var table)
            ? table.Timesteps.Zip(table.Factors).ToDictionary(t => t.First, t => t.Second)
            : [];
        return
        [
            .. seen.Where(t => t.Value.Count > 0)
                .OrderByDescending(t => t.Key)
                .Select(t =>
                {
                    var rounded = (float)Math.Sqrt(t.Value.Moments.Variance);
                    return new TimestepDeviation(t.Key, rounded, rounded * factors.GetValueOrDefault(t.Key, 1));
                }),
        ];
    }

    private static string Words(LayerPositions positions) => string.Join(", ", LayerPattern.NamesOf(positions));

    private static double Rounded(double value) => Math.Round(value, 2);
}
