using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Calibration;

/// <summary>
/// Runs the float model over calibration's pairs and counts what the plan's points see.
/// </summary>
internal sealed class PointObserver
{
    private readonly OnnxDenoiser denoiser;
    private readonly ObservedValues values;
    private readonly string path;
    private readonly ObservedTimesteps timesteps;
    private readonly CalibrationStatistics statistics;

    private PointObserver(
        OnnxDenoiser denoiser,
        ObservedValues values,
        string path,
        IEnumerable<string> names,
        ObservedTimesteps timesteps
    )
    {
        this.denoiser = denoiser;
        this.values = values;
        this.path = path;
        this.timesteps = timesteps;
        statistics = new(names, timesteps.All);
    }

    /// <summary>Counts the values of all points of the plan.</summary>
    public static CalibrationStatistics Run(QuantizationState state, CalibrationSet samples, PassContext context)
    {
        var names = state.Plan.Points.Select(p => p.Value).Distinct(StringComparer.Ordinal);
        using var session = ModelSession.Load(ObservedGraph.Of(state.Graph, names, out var outputs), context.Session);
        using var denoiser = new OnnxDenoiser(session, state.Source.Contract);
        var values = new ObservedValues(denoiser, samples, outputs, context.Cancellation);
        var observer = new PointObserver(
            denoiser,
            values,
            state.Source.ModelPath,
            outputs.Keys,
            new(samples.Timesteps, state.Source.Contract.Fed)
        );
        observer.Count(samples, state.Recipe.CalibrationBatch, context);
        return observer.statistics;
    }

    private void Count(CalibrationSet samples, int batch, PassContext context)
    {
        foreach (var rows in samples.Batches(batch))
        {
            var timestep = samples.TimestepOf(rows[0]);
            values.Show(rows, (run, group) => Count(run, group, timestep));
            statistics.Samples += rows.Length;
            context.Progress(
                (double)statistics.Samples / samples.Count,
                $"t = {TimestepText.Of(timestep)}, {statistics.Samples} of {samples.Count} samples"
            );
        }
    }

    private void Count(DenoiserRun run, IReadOnlyList<string> group, double timestep)
    {
        var onCpu = denoiser.Session.Device.Kind == DeviceKind.Cpu;
        Workers.For(
            0,
            group.Count,
            i =>
            {
                var value = group[i];
                var tensor = values.Of(run, value);
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
