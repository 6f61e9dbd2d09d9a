using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Blocks;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>Tunes one unit by gradients.</summary>
/// <param name="state">The graph and the plan so far.</param>
/// <param name="settings">What is learned, and how.</param>
/// <param name="context">Device, progress, cancellation.</param>
internal sealed class UnitTrainer(QuantizationState state, ReconstructionSettings settings, PassContext context)
{
    /// <summary>Tunes a unit.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="number">Its number, which decides its random choices.</param>
    /// <param name="data">Its inputs and targets.</param>
    /// <param name="fixedPoints">Points whose step sizes stay.</param>
    /// <param name="onStep">Sees the number of steps done.</param>
    public UnitResult Run(
        ReconstructionUnit unit,
        int number,
        UnitData data,
        IReadOnlySet<ActivationPoint> fixedPoints,
        Action<int> onStep
    )
    {
        var batch = Math.Min(settings.BatchSize, data.Count);
        batch = state.Source.Contract.FixedBatch ?? batch;
        var part = UnitGraph.Cut(state.Graph, unit, data, batch);
        var graph = UnitTrainingGraph.Build(
            part,
            unit,
            data,
            state.Plan,
            settings,
            fixedPoints,
            batch,
            context.Session.Device
        );
        if (graph is null)
        {
            // Its steps were learned with a unit before it.
            return new(
                new Dictionary<string, QuantizedWeight>(),
                new Dictionary<string, float[]>(),
                new Dictionary<ActivationPoint, UniformQuantizer>(),
                0,
                0
            );
        }

        var loss = new UnitLoss(part, unit, data, settings, batch, context.Session);
        var before = loss.Of(state.Plan, context.Cancellation);
        var result = Train(graph, number, data, batch, onStep);
        var after = loss.Of(result.ApplyTo(state.Plan), context.Cancellation);
        return result with { LossBefore = before, LossAfter = after };
    }

    private UnitResult Train(UnitTrainingGraph graph, int number, UnitData data, int batch, Action<int> onStep)
    {
        using var session = new TrainingSession(graph.Graph, settings.Iterations, context.Session);
        using var rows = new RowFeed(session, graph.Rows, batch);
        var random = new UnitRandom(unchecked((ulong)state.Recipe.Seed), number);
        var indices = new long[batch];
        var regularizer = new float[2];
        var places = new long[graph.Sites?.Count ?? 0];
        var pool = graph.Sites is { Count: > 0 } sites
            ? random.Bits(checked((int)sites.PoolSize), settings.DropProbability)
            : [];
        using var poolTensor = Tensors.Of(pool, pool.Length);
        using var indicesTensor = Tensors.Of(indices, batch);
        using var regularizerTensor = Tensors.Of(regularizer, regularizer.Length);
        using var placesTensor = Tensors.Of(places, places.Length);
        if (pool.Length > 0)
        {
            session.Bind(DropSites.PoolName, poolTensor);
        }

        for (var step = 0; step < settings.Iterations; step++)
        {
            random.Rows(step, data.Count, indices);
            random.Places(step, DropSites.Places, places);
            (regularizer[0], regularizer[1]) = settings.RegularizerAt(step);
            var inputs = new List<KeyValuePair<string, OrtValue>> { new(UnitTrainingGraph.IndicesName, indicesTensor) };
            if (graph.Parts.Roundings.Count > 0)
            {
                inputs.Add(new(UnitTrainingGraph.RegularizerName, regularizerTensor));
            }

            if (places.Length > 0)
            {
                inputs.Add(new(DropSites.PlacesName, placesTensor));
            }

            inputs.AddRange(rows.Of(indices));
            session.Run(inputs, cancellation: context.Cancellation);
            onStep(step + 1);
        }

        var alphas = graph.Parts.Roundings.ToDictionary(r => r.Layer, r => session.Read(r.Alpha));
        return new(
            graph.Parts.Roundings.ToDictionary(r => r.Layer, r => r.Rounding.Harden(alphas[r.Layer])),
            alphas,
            graph
                .Parts.StepFactors.Where(s => session.Has(s.Value))
                .ToDictionary(
                    s => s.Key,
                    s =>
                        state.Plan.Activations[s.Key] with
                        {
                            Scale = state.Plan.Activations[s.Key].Scale * session.Read(s.Value)[0],
                        }
                ),
            0,
            0
        );
    }
}
