using DiffusionQuant.Quantization.Datasets;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Training;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Quantization-aware training of the whole network: weights, biases and the steps and zero points of all quantizers, those
/// of attention's queries, keys, values and softmax among them, are trained together with rounding in the graph (LSQ, Esser
/// et al., ICLR 2020; LSQ+, Bhalgat et al. 2020; the base of Q-DM, NeurIPS 2023). Along the float network's own trajectories
/// where there are no images to train on.
/// </summary>
/// <param name="settings">What is learned, and how, for a recipe.</param>
public sealed class LsqTraining(Func<Recipe, LsqSettings> settings) : IQuantizationPass
{
    /// <inheritdoc/>
    public string Name => "train";

    /// <inheritdoc/>
    public double Weight => 3000;

    /// <inheritdoc/>
    public bool Applies(Recipe recipe) => settings(recipe).Iterations > 0;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context)
    {
        var wanted = settings(state.Recipe);
        var images = Images(state, wanted.Mimicking, context);
        var quality = new OutputQuality(state, context);
        var narrowest = state.Plan.Layers.Min(l => l.WeightBits) ?? 8;
        var stage = (int)(wanted.Iterations * wanted.StageShare);
        int[] widths = stage == 0 ? [] : [.. wanted.ProgressiveBits.Where(b => b > narrowest).OrderDescending()];
        var (next, starts) = (state, wanted.Starts);
        var done = 0;
        foreach (var bits in (int?[])[.. widths, null])
        {
            var steps = bits is null ? wanted.Iterations - done : stage;
            var begun = done;
            var current = bits is null && widths.Length == 0 ? state : Widened(state, next, starts, bits);
            var trainer = new NetworkTrainer(
                current,
                wanted with
                {
                    Iterations = steps,
                    Starts = starts,
                },
                bits is null ? Name : $"{Name} at {bits} bits",
                context with
                {
                    Progress = (fraction, detail) =>
                        context.Progress((begun + (fraction * steps)) / wanted.Iterations, detail),
                }
            )
            {
                Teacher = images is null
                    ? null
                    : batch => new TeacherImages(current, images, wanted.Mimicking, batch, context),
                Measure = new(n => quality.Of(n.ApplyTo(current)), wanted.MeasureEvery, wanted.Patience),
            };
            var trained = trainer.Run();
            next = trained.ApplyTo(current);
            starts = trained.Floats;
            done += steps;
        }

        return quality.Better(Name, state, next);
    }

    private static TrainingImages? Images(
        QuantizationState state,
        NoiseEstimatingMimicking? mimicking,
        PassContext context
    ) =>
        state.Recipe.TrainingData is { } path
            ? TrainingImages.Load(ImageSources.Open(path), state.Source.SampleShape, cancellation: context.Cancellation)
        : mimicking is not { Weight: null }
            ? throw new ArgumentException("Without training data the network can only mimic the float network.")
        : null;

    /// <summary>
    /// The plan at a width that is at least so large: weights as they are trained by now and activations as they were
    /// calibrated, on grids of these widths.
    /// </summary>
    /// <param name="planned">The plan of the wanted widths.</param>
    /// <param name="trained">Graph and plan of the width before.</param>
    /// <param name="floats">The weights trained there, by layer.</param>
    /// <param name="bits">The least width; null for the planned ones.</param>
    private static QuantizationState Widened(
        QuantizationState planned,
        QuantizationState trained,
        IReadOnlyDictionary<string, float[]> floats,
        int? bits
    )
    {
        var (weights, activations) = (new MseRange(), new PercentileRange());
        var originals = planned.Layers.ToDictionary(l => l.Name, StringComparer.Ordinal);
        var plan = trained.Plan with
        {
            Layers = [.. planned.Plan.Layers.Zip(trained.Plan.Layers, Layer)],
            Activations = planned.Plan.Activations.ToDictionary(a => a.Key, a => Quantizer(a.Key, a.Value)),
        };
        return trained with { Plan = plan };

        LayerPlan Layer(LayerPlan layer, LayerPlan before) =>
            layer.Weight is not { } weight
                ? layer
                : before with
                {
                    Weight = WeightQuantizer.Quantize(
                        floats.TryGetValue(layer.Layer, out var own) ? own : originals[layer.Layer].Weight!.ToFloats(),
                        [.. weight.Dims],
                        weight.Axis,
                        [.. weight.Quantizers.Select(q => Math.Max(q.Bits, bits ?? 0))],
                        weights
                    ),
                };

        UniformQuantizer Quantizer(ActivationPoint point, UniformQuantizer quantizer) =>
            quantizer.Bits >= (bits ?? 0)
                ? quantizer
                : activations.Estimate(planned.Statistics!.Of(point.Value).All, bits!.Value, point.Symmetry);
    }
}
