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
        var (before, after) = (Sqnr(state, context), Sqnr(next, context));
        context.Note(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Name}: the output's SQNR on {CheckedPairs} pairs was {before:F1} dB and is {after:F1} dB{(after > before ? "" : "; what was there before is kept")}"
            )
        );
        return after > before ? next : state;
    }

    /// <summary>The output's signal-to-noise ratio on pairs that training has not seen.</summary>
    private static double Sqnr(QuantizationState state, PassContext context)
    {
        using var exactSession = ModelSession.Load(state.Graph, context.Session);
        using var exact = new OnnxDenoiser(exactSession, state.Source.Contract);
        using var quantizedSession = ModelSession.Load(
            SimulationBuilder.Build(state.Graph, state.Plan),
            context.Session
        );
        using var quantized = new OnnxDenoiser(quantizedSession, state.Source.Contract);
        var samples = state.Samples!;
        var count = Math.Min(CheckedPairs, samples.Count);
        var (signal, noise) = (0.0, 0.0);
        foreach (
            var rows in Enumerable
                .Range(0, count)
                .Select(i => (int)((long)i * samples.Count / count))
                .Chunk(state.Recipe.CalibrationBatch)
        )
        {
            var call = samples.Call(rows);
            var (s, n) = SignalToNoise.Powers(
                exact.Predict(call, context.Cancellation),
                quantized.Predict(call, context.Cancellation)
            );
            (signal, noise) = (signal + s, noise + n);
        }

        return SignalToNoise.Decibels(signal, noise);
    }
}
