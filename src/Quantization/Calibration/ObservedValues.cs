using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Passes;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Calibration;

/// <summary>
/// Runs a network over calibration's pairs and shows inner values. They come out of the session in portions under a budget,
/// so memory depends neither on the number of pairs nor on the network's width.
/// </summary>
/// <param name="denoiser">A session of the network that shows the values.</param>
/// <param name="samples">The pairs.</param>
/// <param name="outputs">The name of the output that shows each value.</param>
/// <param name="cancellation">Stops the runs.</param>
internal sealed class ObservedValues(
    OnnxDenoiser denoiser,
    CalibrationSet samples,
    IReadOnlyDictionary<string, string> outputs,
    CancellationToken cancellation
)
{
    private const long BudgetBytes = 64L << 20;

    private ObservationPortions? portions;

    /// <summary>Shows the values for some pairs; each value of each pair once.</summary>
    /// <param name="rows">The pairs' numbers.</param>
    /// <param name="see">Gets each run and the values that it shows.</param>
    public void Show(int[] rows, Action<DenoiserRun, IReadOnlyList<string>> see)
    {
        portions ??= Measure();
        foreach (var portion in rows.Chunk(portions.Rows))
        {
            var call = samples.Call(portion);
            foreach (var group in portions.Groups)
            {
                denoiser.Observe(call, [.. group.Select(v => outputs[v])], run => see(run, group), cancellation);
            }
        }
    }

    /// <summary>The tensor of a value that a run shows.</summary>
    public OrtValue Of(DenoiserRun run, string value) => run.Outputs[outputs[value]];

    /// <summary>Asks for every value once, with one sample, to learn how large each is.</summary>
    private ObservationPortions Measure()
    {
        var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
        denoiser.Observe(
            samples.Call(0),
            [.. outputs.Values],
            run =>
            {
                foreach (var value in outputs.Keys)
                {
                    sizes[value] = Tensors.Dims(Of(run, value)).Aggregate(4L, (a, b) => a * b);
                }
            },
            cancellation
        );
        return ObservationPortions.Of([.. outputs.Keys], sizes, BudgetBytes);
    }
}
