using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Calibration;

/// <summary>
/// Runs the float model over calibration's pairs and counts what the plan's points see. The values come out of the session
/// in portions under a budget, so memory depends neither on the number of pairs nor on the network's width.
/// </summary>
internal sealed class PointObserver
{
    private const long BudgetBytes = 64L << 20;

    private readonly OnnxDenoiser denoiser;
    private readonly string path;
    private readonly IReadOnlyDictionary<string, string> outputs;
    private readonly ObservedTimesteps timesteps;
    private readonly CalibrationStatistics statistics;

    private PointObserver(
        OnnxDenoiser denoiser,
        string path,
        IReadOnlyDictionary<string, string> outputs,
        ObservedTimesteps timesteps
    )
    {
        this.denoiser = denoiser;
        this.path = path;
        this.outputs = outputs;
        this.timesteps = timesteps;
        statistics = new(outputs.Keys, timesteps.All);
    }

    /// <summary>Counts the values of all points of the plan.</summary>
    public static CalibrationStatistics Run(QuantizationState state, CalibrationSet samples, PassContext context)
    {
        var values = state.Plan.Points.Select(p => p.Value).Distinct(StringComparer.Ordinal);
        using var session = ModelSession.Load(ObservedGraph.Of(state.Graph, values, out var outputs), context.Session);
        using var denoiser = new OnnxDenoiser(session, state.Source.Contract);
        var observer = new PointObserver(denoiser, state.Source.ModelPath, outputs, new(samples.Timesteps));
        observer.Count(samples, state.Recipe.CalibrationBatch, context);
        return observer.statistics;
    }

    private void Count(CalibrationSet samples, int batch, PassContext context)
    {
        var portions = Measure(samples.Call(0), context.Cancellation);
        foreach (var rows in samples.Batches(batch))
        {
            var timestep = samples.TimestepOf(rows[0]);
            foreach (var portion in rows.Chunk(portions.Rows))
            {
                var call = samples.Call(portion);
                foreach (var group in portions.Groups)
                {
                    denoiser.Observe(
                        call,
                        [.. group.Select(v => outputs[v])],
                        run => Count(run, group, timestep),
                        context.Cancellation
                    );
                }
            }

            statistics.Samples += rows.Length;
            context.Progress(
                (double)statistics.Samples / samples.Count,
                $"t = {timestep}, {statistics.Samples} of {samples.Count} samples"
            );
        }
    }

    /// <summary>Asks for every value once, with one sample, to learn how large each is.</summary>
    private ObservationPortions Measure(DenoiserCall call, CancellationToken cancellation)
    {
        var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
        denoiser.Observe(
            call,
            [.. outputs.Values],
            run =>
            {
                foreach (var (value, output) in outputs)
                {
                    sizes[value] = Tensors.Dims(run.Outputs[output]).Aggregate(4L, (a, b) => a * b);
                }
            },
            cancellation
        );
        return ObservationPortions.Of([.. outputs.Keys], sizes, BudgetBytes);
    }

    private void Count(DenoiserRun run, IReadOnlyList<string> group, int timestep)
    {
        var onCpu = denoiser.Session.Device.Kind == DeviceKind.Cpu;
        Parallel.ForEach(
            group,
            value =>
            {
                var tensor = run.Outputs[outputs[value]];
                statistics
                    .Of(value)
                    .Add(
                        timesteps.Of(timestep),
                        onCpu && Tensors.TypeOf(tensor) == Onnx.ElementType.Float
                            ? Tensors.Floats(tensor)
                            : Tensors.ToFloats(tensor)
                    );
            }
        );
        if (group.FirstOrDefault(v => statistics.Of(v).All.NonFinite > 0) is { } infinite)
        {
            throw QuantizationErrors.NotFinite(path, infinite, timestep);
        }
    }
}
