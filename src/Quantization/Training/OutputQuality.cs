using System.Globalization;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Simulation;

namespace DiffusionQuant.Quantization.Training;

/// <summary>How close a plan's network comes to the float network, on pairs of calibration that training does not see.</summary>
internal sealed class OutputQuality
{
    private const int MostPairs = 64;

    private readonly DenoiserContract contract;
    private readonly PassContext context;
    private readonly List<(DenoiserCall Call, float[] Target)> batches = [];
    private readonly int pairs;

    /// <summary>Runs the float network on the pairs.</summary>
    public OutputQuality(QuantizationState state, PassContext context)
    {
        this.context = context;
        contract = state.Source.Contract;
        var samples = state.Samples!;
        pairs = Math.Min(MostPairs, samples.Count);
        using var session = ModelSession.Load(state.Graph, context.Session);
        using var exact = new OnnxDenoiser(session, contract);
        var rows = Enumerable.Range(0, pairs).Select(i => (int)((long)i * samples.Count / pairs));
        foreach (var batch in rows.Chunk(state.Recipe.CalibrationBatch))
        {
            var call = samples.Call(batch);
            batches.Add((call, exact.Predict(call, context.Cancellation)));
        }
    }

    /// <summary>The output's signal-to-noise ratio of a plan's simulation, in dB: the mean over timesteps, since those at
    /// which the prediction is hardest would decide alone otherwise.</summary>
    public double Of(QuantizationState state)
    {
        using var session = ModelSession.Load(SimulationBuilder.Build(state.Graph, state.Plan), context.Session);
        using var denoiser = new OnnxDenoiser(session, contract);
        var powers = new Dictionary<double, (double Signal, double Noise)>();
        foreach (var (call, target) in batches)
        {
            var output = denoiser.Predict(call, context.Cancellation);
            var size = output.Length / call.Count;
            for (var i = 0; i < call.Count; i++)
            {
                var row = i * size;
                var (signal, noise) = SignalToNoise.Powers(target.AsSpan(row, size), output.AsSpan(row, size));
                var before = powers.GetValueOrDefault(call.TimestepOf(i));
                powers[call.TimestepOf(i)] = (before.Signal + signal, before.Noise + noise);
            }
        }

        return powers.Values.Average(p => SignalToNoise.Decibels(p.Signal, p.Noise));
    }

    /// <summary>The network behind training where it came closer, else the one before it; a note says which.</summary>
    /// <param name="pass">The pass that trained.</param>
    /// <param name="state">The network that this was made of.</param>
    /// <param name="trained">The network behind training.</param>
    public QuantizationState Better(string pass, QuantizationState state, QuantizationState trained)
    {
        var (before, after) = (Of(state), Of(trained));
        context.Note(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{pass}: the output's SQNR on {pairs} pairs was {before:F1} dB and is {after:F1} dB{(after > before ? "" : "; what was there before is kept")}"
            )
        );
        return after > before ? trained : state;
    }
}
