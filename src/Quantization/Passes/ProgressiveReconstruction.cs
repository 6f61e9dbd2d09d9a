using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Reconstruction;
using DiffusionQuant.Quantization.Simulation;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Reconstruction on what the quantized network will really see: after a first round on the float network's trajectories,
/// each further round samples with the network as it is quantized so far, takes the float network's outputs on these
/// inputs as targets, and goes on from the roundings of the round before (PAR of TCAQ-DM, Huang et al., AAAI 2025). It
/// stops when the error along the trajectory hardly falls any more.
/// </summary>
/// <param name="first">The settings of the first round.</param>
/// <param name="further">The settings of the others.</param>
/// <param name="rounds">The most rounds behind the first.</param>
public sealed class ProgressiveReconstruction(
    Func<Recipe, ReconstructionSettings> first,
    Func<Recipe, ReconstructionSettings> further,
    int rounds
) : IQuantizationPass
{
    /// <summary>The share by which a round must lower the error for another one to follow.</summary>
    private const double LeastFall = 0.02;

    /// <inheritdoc/>
    public string Name => "reconstruct progressively";

    /// <inheritdoc/>
    public double Weight => 2000;

    /// <inheritdoc/>
    public bool Applies(Recipe recipe) => first(recipe).Iterations > 0;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context)
    {
        // A further round has half of the first one's steps.
        var whole = 1 + (rounds / 2.0);
        state = new ReconstructBlocks($"{Name}, round 0", first).Run(state, Part(0, 1 / whole));
        var (samples, error) = Resample(state, context);
        context.Note($"{Name}: error {error:G4} along the quantized network's own trajectories");
        try
        {
            for (var round = 1; round <= rounds; round++)
            {
                var part = Part((1 + ((round - 1) / 2.0)) / whole, (1 + (round / 2.0)) / whole);
                var next = new ReconstructBlocks($"{Name}, round {round}", further).Run(
                    state with
                    {
                        Samples = samples,
                    },
                    part
                );
                samples.Dispose();
                (samples, var fallen) = Resample(next, context);
                context.Note($"{Name}: error {fallen:G4} after round {round}");
                if (fallen < error)
                {
                    state = state with { Plan = next.Plan };
                }

                if (fallen > (1 - LeastFall) * error)
                {
                    break;
                }

                error = fallen;
            }
        }
        finally
        {
            samples.Dispose();
        }

        return state;

        PassContext Part(double from, double to) => SampleCollector.Part(context, from, to);
    }

    /// <summary>Pairs along the trajectories of the network as it is now, and its mean squared error on them.</summary>
    private static (CalibrationSet Samples, double Error) Resample(QuantizationState state, PassContext context)
    {
        var quiet = context with { Progress = (_, _) => { } };
        var simulation = SimulationBuilder.Build(state.Graph, state.Plan);
        var samples = CalibrationSet.Collect(state with { Graph = simulation }, quiet);
        try
        {
            return (samples, Error(state, simulation, samples, context));
        }
        catch
        {
            samples.Dispose();
            throw;
        }
    }

    private static double Error(
        QuantizationState state,
        OnnxModel simulation,
        CalibrationSet samples,
        PassContext context
    )
    {
        using var exactSession = ModelSession.Load(state.Graph, context.Session);
        using var exact = new OnnxDenoiser(exactSession, state.Source.Contract);
        using var quantizedSession = ModelSession.Load(simulation, context.Session);
        using var quantized = new OnnxDenoiser(quantizedSession, state.Source.Contract);
        var (sum, count) = (0.0, 0L);
        foreach (var rows in samples.Batches(state.Recipe.CalibrationBatch))
        {
            var call = samples.Call(rows);
            var target = exact.Predict(call, context.Cancellation);
            var distance = PortableSums.Distance(target, quantized.Predict(call, context.Cancellation));
            sum += (double)distance * distance;
            count += target.Length;
        }

        return sum / count;
    }
}
