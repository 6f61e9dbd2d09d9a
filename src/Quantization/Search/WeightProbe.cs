using System.Diagnostics;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Search;

/// <summary>
/// Measures what other weights do to the network's output. Layers' weights are inputs of the graph, so that one session
/// serves all layers and widths: to load a session for each takes longer than to run it.
/// </summary>
internal sealed class WeightProbe : IDisposable
{
    private readonly QuantizationState state;
    private readonly CalibrationSet samples;
    private readonly IRangeEstimator ranges;
    private readonly PassContext context;
    private readonly ModelSession session;
    private readonly Dictionary<string, string> inputs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, OrtValue> exactWeights = new(StringComparer.Ordinal);
    private readonly List<float[]> exactOutputs = [];
    private double signal;

    /// <summary>Loads the network, and runs it once as it is.</summary>
    /// <param name="state">A float graph whose layers are known.</param>
    /// <param name="samples">The pairs (x_t, t) to measure on; not disposed by this.</param>
    /// <param name="ranges">How weights' ranges are found.</param>
    /// <param name="context">Device, cancellation.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1092: the float model's output is not finite.</exception>
    public WeightProbe(QuantizationState state, CalibrationSet samples, IRangeEstimator ranges, PassContext context)
    {
        (this.state, this.samples, this.ranges, this.context) = (state, samples, ranges, context);
        Layers = [.. state.Layers.Where(l => l.Weight is not null && l.Kind != LayerKind.MatrixProduct)];
        session = ModelSession.Load(WithWeightInputs(), context.Session);
        try
        {
            RunExact();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The layers that have weights, in topological order.</summary>
    public IReadOnlyList<QuantizableLayer> Layers { get; }

    /// <summary>About how long one measurement takes, the search of ranges left out.</summary>
    public TimeSpan Time { get; private set; }

    /// <summary>The error of the network's output with some layers' weights quantized: Σ(ε − ε̂)² / Σε².</summary>
    /// <param name="bits">The width of each of these layers, by name.</param>
    public double Measure(IReadOnlyDictionary<string, int> bits)
    {
        var changed = new Dictionary<string, OrtValue>(exactWeights, StringComparer.Ordinal);
        var owned = new List<OrtValue>();
        try
        {
            foreach (var layer in Layers.Where(l => bits.ContainsKey(l.Name)))
            {
                var weight = layer.Weight!;
                var dims = weight.Dims.ToArray();
                var codes = WeightQuantizer.Quantize(
                    weight.ToFloats(),
                    dims,
                    layer.ChannelAxis,
                    bits[layer.Name],
                    ranges
                );
                var value = Tensors.FromFloats(codes.ToFloats(), dims, weight.ElementType);
                owned.Add(value);
                changed[inputs[layer.Name]] = value;
            }

            var noise = 0.0;
            using var denoiser = Denoiser(changed);
            foreach (var (i, call) in Calls().Index())
            {
                noise += SignalToNoise.Powers(exactOutputs[i], denoiser.Predict(call, context.Cancellation)).Noise;
            }

            return double.IsFinite(noise)
                ? Math.Min(noise / signal, LayerSensitivity.NotFinite)
                : LayerSensitivity.NotFinite;
        }
        finally
        {
            owned.ForEach(v => v.Dispose());
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        session.Dispose();
        foreach (var value in exactWeights.Values)
        {
            value.Dispose();
        }
    }

    private OnnxModel WithWeightInputs()
    {
        var model = state.Graph.Clone();
        var editor = new GraphEditor(model.Graph);
        var nodes = model.Graph.Nodes.ToDictionary(n => n.Name, StringComparer.Ordinal);
        foreach (var layer in Layers)
        {
            // An input for each layer, also where two share a constant: they are measured one by one.
            var weight = layer.Weight!;
            var input = editor.Unique($"{weight.Name}_probed");
            model.Graph.Inputs.Add(new(input, weight.ElementType, TensorShape.Of(weight.Dims)));
            nodes[layer.Name].Inputs[layer.WeightInput] = input;
            inputs[layer.Name] = input;
            exactWeights[input] = Tensors.FromTensor(weight);
        }

        model.Graph.RemoveUnused();
        return model;
    }

    private void RunExact()
    {
        using var denoiser = Denoiser(exactWeights);
        foreach (var call in Calls())
        {
            var output = denoiser.Predict(call, context.Cancellation);
            var power = SignalToNoise.Powers(output, output).Signal;
            if (!double.IsFinite(power))
            {
                throw QuantizationErrors.NotFinite(
                    state.Source.ModelPath,
                    state.Source.Contract.Output.Name,
                    call.TimestepOf(0)
                );
            }

            exactOutputs.Add(output);
            signal += power;
        }

        // An output of zeros has no relative error; any change is then infinitely large.
        signal = Math.Max(signal, double.Epsilon);
        // The runs above also warmed up.
        var started = Stopwatch.GetTimestamp();
        _ = denoiser.Predict(Calls().First(), context.Cancellation);
        Time = Stopwatch.GetElapsedTime(started) * exactOutputs.Count;
    }

    private OnnxDenoiser Denoiser(IReadOnlyDictionary<string, OrtValue> weights) =>
        new(session, state.Source.Contract) { ExtraInputs = weights };

    // Of several timesteps, unlike calibration's: few pairs at many timesteps would make batches of one. Conditional and
    // unconditional pairs stay apart, since their conditioning may differ in shape.
    private IEnumerable<DenoiserCall> Calls() =>
        Enumerable
            .Range(0, samples.Count)
            .GroupBy(samples.IsUnconditional)
            .SelectMany(group => group.Chunk(state.Recipe.CalibrationBatch))
            .Select(rows => samples.Call(rows));
}
