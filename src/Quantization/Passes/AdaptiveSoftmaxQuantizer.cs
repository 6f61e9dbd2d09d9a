using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Scaling;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>How <see cref="AdaptiveSoftmaxQuantizer"/> chooses.</summary>
public enum SoftmaxCriterion
{
    /// <summary>Powers of two where a power law is the likelier one, as the paper does.</summary>
    Likelihood,

    /// <summary>The codes that leave the smaller error in the product with the values.</summary>
    ProductError,
}

/// <summary>
/// Chooses for each softmax and each group of timesteps between uniform codes and powers of two: DAQ of TCAQ-DM (Huang et
/// al., AAAI 2025). Where the groups of one softmax differ, its product is computed in two parts, each of which sees only
/// the samples of its groups; what the network computes in float does not change.
/// </summary>
/// <param name="criterion">What decides. The other one is computed as well, and reported beside it.</param>
/// <param name="ranges">Finds the range of uniform codes.</param>
public sealed class AdaptiveSoftmaxQuantizer(SoftmaxCriterion criterion, IRangeEstimator ranges) : IQuantizationPass
{
    /// <summary>Fewer groups than this share are not worth a second product.</summary>
    private const double LeastShare = 0.1;

    /// <inheritdoc/>
    public string Name => "choose softmax codes";

    /// <inheritdoc/>
    public double Weight => 30;

    /// <inheritdoc/>
    public bool Applies(Recipes.Recipe recipe) => recipe.Bits.QuantizesActivations;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context)
    {
        var inputs = Softmaxes(state);
        if (inputs.Length == 0)
        {
            return state;
        }

        var timesteps = state.Statistics!.Timesteps.Distinct().ToArray();
        var seen = Measure(state, inputs, context);
        var groups = inputs.SelectMany(i => timesteps.Select(t => seen[(i.Value, t)])).ToArray();
        context.Note(
            $"softmax codes: powers of two for {groups.Count(g => g.Chooses(criterion))} of {groups.Length} softmaxes and groups of timesteps; likelihood and error of the product agree in {groups.Count(g => g.Agrees)}"
        );

        return Apply(state, (input, timestep) => seen[(input.Value, timestep)].Chooses(criterion), ranges, context);
    }

    /// <summary>Gives each softmax at each group of timesteps the codes that were chosen.</summary>
    /// <param name="state">The state; its quantizers are chosen.</param>
    /// <param name="isLogarithmic">The choice.</param>
    /// <param name="ranges">Finds ranges that are new.</param>
    /// <param name="context">Device, progress, cancellation.</param>
    internal static QuantizationState Apply(
        QuantizationState state,
        Func<ScaledInput, double, bool> isLogarithmic,
        IRangeEstimator ranges,
        PassContext context
    )
    {
        var timesteps = state.Statistics!.Timesteps.Distinct().ToArray();
        var logarithmic = new HashSet<ActivationPoint>(state.Plan.Logarithmic);
        var mixed = new Dictionary<ScaledInput, bool[]>();
        foreach (var input in Softmaxes(state))
        {
            bool[] choices = [.. timesteps.Select(t => isLogarithmic(input, t))];
            var count = choices.Count(c => c);
            var lesser = Math.Min(count, choices.Length - count);
            if (lesser > LeastShare * choices.Length && input.HasRowPerSample(state))
            {
                mixed[input] = choices;
            }
            else if (2 * count > choices.Length)
            {
                // Where samples cannot be told apart, or nearly all are alike, the greater part decides for all.
                logarithmic.Add(input.Point);
            }
        }

        state = state with { Plan = state.Plan with { Logarithmic = logarithmic } };
        return mixed.Count == 0 ? state : Split(state, mixed, timesteps, ranges, context);
    }

    private static ScaledInput[] Softmaxes(QuantizationState state) =>
        [.. ScaledInput.Find(state).Where(i => i.Point.Symmetry == Symmetry.ZeroBased)];

    /// <summary>Writes the products whose softmax has codes of both kinds.</summary>
    private static QuantizationState Split(
        QuantizationState state,
        Dictionary<ScaledInput, bool[]> mixed,
        double[] timesteps,
        IRangeEstimator ranges,
        PassContext context
    )
    {
        var model = state.Graph.Clone();
        var editor = new GraphEditor(model.Graph);
        var factors = new TimestepFactors(editor, state.Source.Contract, timesteps);
        var added = mixed.SelectMany(m => SoftmaxSplitting.Write(editor, factors, m.Key, m.Value)).ToArray();
        factors.Write();
        model.Graph.SortTopologically();
        var uniform = mixed
            .Keys.SelectMany(i => i.Readers)
            .ToDictionary(r => (r.Layer.Name, r.Input), r => state.Plan.Activations[r.Plan.Inputs[r.Input]]);
        var powers = new HashSet<ActivationPoint>(state.Plan.Logarithmic);
        state = Replanning.Run(
            state,
            model,
            plan =>
            {
                powers.UnionWith(added.Select(a => plan.Find(a.Layer)!.Inputs[a.Input]));
                return uniform
                    .Select(u => (Point: plan.Find(u.Key.Name)!.Inputs[u.Key.Input], u.Value))
                    .DistinctBy(p => p.Point)
                    .ToDictionary(p => p.Point, p => p.Value);
            },
            ranges,
            context
        );
        return state with { Plan = state.Plan with { Logarithmic = powers } };
    }

    /// <summary>Fits the laws and measures both codes' errors over calibration's pairs.</summary>
    private static Dictionary<(string Value, double Timestep), SoftmaxGroup> Measure(
        QuantizationState state,
        ScaledInput[] inputs,
        PassContext context
    )
    {
        var samples = state.Samples!;
        var model = ObservedGraph.Of(state.Graph, inputs.Select(i => i.Value), out var values);
        var editor = new GraphEditor(model.Graph);
        var errors = inputs.ToDictionary(i => i, i => SoftmaxErrors.Add(editor, i, state.Plan.Activations[i.Point]));
        QuantizerOperators.Lower(model);
        model.Graph.SortTopologically();
        using var session = ModelSession.Load(model, context.Session);
        using var denoiser = new OnnxDenoiser(session, state.Source.Contract);
        string[] outputs = [.. values.Values, .. errors.Values.SelectMany(e => new[] { e.Uniform, e.Logarithmic })];
        var timesteps = new ObservedTimesteps(samples.Timesteps, state.Source.Contract.Fed);
        var result = inputs
            .SelectMany(i => timesteps.All.Distinct().Select(t => (i.Value, t)))
            .ToDictionary(key => key, _ => new SoftmaxGroup());
        var done = 0;
        foreach (var rows in samples.Batches(state.Recipe.CalibrationBatch))
        {
            var timestep = timesteps.Of(samples.TimestepOf(rows[0]));
            denoiser.Observe(
                samples.Call(rows),
                outputs,
                run =>
                {
                    foreach (var input in inputs)
                    {
                        result[(input.Value, timestep)]
                            .Add(
                                Tensors.ToFloats(run.Outputs[values[input.Value]]),
                                Tensors.ToFloats(run.Outputs[errors[input].Uniform])[0],
                                Tensors.ToFloats(run.Outputs[errors[input].Logarithmic])[0]
                            );
                    }
                },
                context.Cancellation
            );
            done += rows.Length;
            context.Progress((double)done / samples.Count, $"{done} of {samples.Count} samples");
        }

        return result;
    }

    /// <summary>What was seen of a softmax at a group of timesteps.</summary>
    private sealed class SoftmaxGroup
    {
        private readonly LogHistogram values = new();
        private (double Uniform, double Logarithmic) error;

        public bool Agrees => Chooses(SoftmaxCriterion.Likelihood) == Chooses(SoftmaxCriterion.ProductError);

        public void Add(ReadOnlySpan<float> softmax, double uniform, double logarithmic)
        {
            values.Add(softmax);
            error = (error.Uniform + uniform, error.Logarithmic + logarithmic);
        }

        /// <summary>Whether a criterion chooses powers of two.</summary>
        public bool Chooses(SoftmaxCriterion criterion) =>
            criterion == SoftmaxCriterion.Likelihood
                ? values.PowerLawEvidence() > 0
                : error.Logarithmic < error.Uniform;
    }
}
