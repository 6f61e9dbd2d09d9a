using System.Globalization;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Simulation;
using DiffusionQuant.Quantization.Training;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Fine-tunes the whole network without data: Ŵ = Q(W + B·A) with low-rank B·A that merges into the codes, learned steps of
/// weights, learned steps and zero points of activations, the former by timestep where the graph has factors for that, so
/// that the quantized network predicts what the float network predicts on the float network's own trajectories (EfficientDM,
/// He et al., ICLR 2024; the base of MPQ-DM).
/// </summary>
/// <param name="settings">What is learned, and how, for a recipe.</param>
public sealed class LowRankFineTuning(Func<Recipe, FineTuningSettings> settings) : IQuantizationPass
{
    private const int CheckedPairs = 64;

    /// <inheritdoc/>
    public string Name => "fine-tune";

    /// <inheritdoc/>
    public double Weight => 3000;

    /// <inheritdoc/>
    public bool Applies(Recipe recipe) => settings(recipe).Iterations > 0;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context)
    {
        var trained = new NetworkTrainer(state, settings(state.Recipe), Name, context).Run();
        var plan = trained.ApplyTo(state.Plan);
        var graph = state.Graph.Clone();
        TimestepColumns.Update(graph.Graph, plan);
        var next = state with { Graph = graph, Plan = plan };
        var (pairs, before, after) = Compare(state, next, context);
        context.Note(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Name}: the output's SQNR on {pairs} pairs was {before:F1} dB and is {after:F1} dB{(after > before ? "" : "; what was there before is kept")}"
            )
        );
        return after > before ? next : state;
    }

    /// <summary>The output's signal-to-noise ratios of two plans, on pairs that training has not seen, and their number.</summary>
    private static (int Pairs, double Before, double After) Compare(
        QuantizationState before,
        QuantizationState after,
        PassContext context
    )
    {
        using var exactSession = ModelSession.Load(before.Graph, context.Session);
        using var beforeSession = Simulation(before);
        using var afterSession = Simulation(after);
        using var exact = Denoiser(exactSession);
        using var old = Denoiser(beforeSession);
        using var trained = Denoiser(afterSession);
        var samples = before.Samples!;
        var count = Math.Min(CheckedPairs, samples.Count);
        var rows = Enumerable.Range(0, count).Select(i => (int)((long)i * samples.Count / count));
        var (signal, oldNoise, noise) = (0.0, 0.0, 0.0);
        foreach (var batch in rows.Chunk(before.Recipe.CalibrationBatch))
        {
            var call = samples.Call(batch);
            var target = exact.Predict(call, context.Cancellation);
            var powers = SignalToNoise.Powers(target, old.Predict(call, context.Cancellation));
            signal += powers.Signal;
            oldNoise += powers.Noise;
            noise += SignalToNoise.Powers(target, trained.Predict(call, context.Cancellation)).Noise;
        }

        return (count, SignalToNoise.Decibels(signal, oldNoise), SignalToNoise.Decibels(signal, noise));

        ModelSession Simulation(QuantizationState state) =>
            ModelSession.Load(SimulationBuilder.Build(state.Graph, state.Plan), context.Session);

        OnnxDenoiser Denoiser(ModelSession session) => new(session, before.Source.Contract);
    }
}
