using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;

namespace DiffusionQuant.Quantization.Calibration;

/// <summary>
/// A denoiser that counts inner values whenever it is called at an observed timestep. The values come out of the session
/// in portions under a budget, so memory depends neither on the number of samples nor on the network's width.
/// </summary>
/// <param name="inner">Runs a graph that has the values among its outputs.</param>
/// <param name="path">The model's file, for messages.</param>
/// <param name="outputs">The values to count, each with the output that shows it.</param>
internal sealed class ObservingDenoiser(OnnxDenoiser inner, string path, IReadOnlyDictionary<string, string> outputs)
    : IDenoiser
{
    private const long BudgetBytes = 64L << 20;

    private readonly string[] values = [.. outputs.Keys];
    private ObservationPortions? portions;

    /// <summary>Receives the counts.</summary>
    public CalibrationStatistics Statistics { get; set; } = CalibrationStatistics.Empty;

    /// <inheritdoc/>
    public DenoiserContract Contract => inner.Contract;

    /// <inheritdoc/>
    public float[] Predict(DenoiserCall call, CancellationToken cancellation = default)
    {
        // Trajectories call with one timestep for the whole batch.
        var timestep = call.Timesteps[0];
        if (!Statistics.Timesteps.Contains(timestep))
        {
            return inner.Predict(call, cancellation);
        }

        portions ??= Measure(call, cancellation);
        var prediction = new List<float>();
        for (var row = 0; row < call.Count; row += portions.Rows)
        {
            var rows = Enumerable.Range(row, Math.Min(portions.Rows, call.Count - row)).ToArray();
            var part = call.Take(rows);
            float[] output = [];
            foreach (var group in portions.Groups)
            {
                output = inner.Predict(
                    part,
                    [.. group.Select(v => outputs[v])],
                    run => Observe(run, group, timestep),
                    cancellation
                );
            }

            prediction.AddRange(output);
        }

        Statistics.Samples += call.Count;
        return [.. prediction];
    }

    /// <summary>Asks for every value once, with one sample, to learn how large each is.</summary>
    private ObservationPortions Measure(DenoiserCall call, CancellationToken cancellation)
    {
        var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
        inner.Predict(
            call.Take(0),
            [.. outputs.Values],
            run =>
            {
                foreach (var value in values)
                {
                    sizes[value] = Tensors.Dims(run.Outputs[outputs[value]]).Aggregate(4L, (a, b) => a * b);
                }
            },
            cancellation
        );
        return ObservationPortions.Of(values, sizes, BudgetBytes);
    }

    private void Observe(DenoiserRun run, IReadOnlyList<string> group, int timestep)
    {
        var onCpu = inner.Session.Device.Kind == DeviceKind.Cpu;
        Parallel.ForEach(
            group,
            value =>
            {
                var tensor = run.Outputs[outputs[value]];
                Statistics
                    .Of(value)
                    .Add(
                        timestep,
                        onCpu && Tensors.TypeOf(tensor) == Onnx.ElementType.Float
                            ? Tensors.Floats(tensor)
                            : Tensors.ToFloats(tensor)
                    );
            }
        );
        if (group.FirstOrDefault(v => Statistics.Of(v).All.NonFinite > 0) is { } infinite)
        {
            throw QuantizationErrors.NotFinite(path, infinite, timestep);
        }
    }
}
