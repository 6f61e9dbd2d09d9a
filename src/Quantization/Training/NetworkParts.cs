using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Simulation;

namespace DiffusionQuant.Quantization.Training;

/// <summary>
/// A simulation of the whole network whose weights are trained, with learned steps, and whose activations have learned
/// steps, zero points and factors by timestep. Initializers of the graph hold the parameters' first values until training
/// turns them into inputs.
/// </summary>
/// <param name="plan">What training starts from: weights' codes, quantizers, factors.</param>
/// <param name="settings">How fast steps and zero points are learned.</param>
/// <param name="training">What stands for weights.</param>
internal sealed class NetworkParts(QuantizationPlan plan, NetworkTrainingSettings settings, WeightTraining training)
    : SimulationParts(plan)
{
    private readonly Dictionary<ActivationPoint, (string Scale, string? Zero)> quantizers = [];
    private readonly Dictionary<ActivationPoint, string> stepFactors = [];
    private readonly Dictionary<ActivationPoint, string> zeroPoints = [];
    private readonly Dictionary<ActivationPoint, string> timestepFactors = [];
    private readonly List<(LayerPlan Layer, QuantizedWeight Weight, string StepFactor)> weights = [];
    private readonly List<(string Layer, string Name, float[] Original)> biases = [];
    private readonly ParameterPack weightSteps = new(
        "weight_step_factors",
        settings.Adam(settings.WeightStepRate) with
        {
            LeastValue = LeastFactor,
        }
    );
    private readonly ParameterPack steps = new(
        "activation_step_factors",
        settings.Adam(settings.ActivationStepRate) with
        {
            LeastValue = LeastFactor,
        }
    );
    private readonly ParameterPack zeros = new("activation_zero_points", settings.Adam(settings.ZeroPointRate));
    private readonly ParameterPack normalizations = new("normalizations", settings.Adam(settings.ActivationStepRate));
    private readonly List<(string Gain, string Offset)> normalized = [];

    /// <summary>Step sizes stay positive.</summary>
    private const float LeastFactor = 0.01f;

    /// <summary>The value that holds mean and deviation of the values that are normalized, [2·values], once
    /// <see cref="WriteParameters"/> was called; null where none are.</summary>
    public string? Statistics { get; private set; }

    /// <summary>All parameters, once <see cref="WriteParameters"/> was called.</summary>
    public List<Parameter> Parameters { get; } = [];

    public override void SimulateWeights(GraphEditor editor, OnnxNode node, LayerPlan layer, QuantizedWeight weight)
    {
        if (!training.Trains(weight))
        {
            base.SimulateWeights(editor, node, layer with { Mode = LayerMode.WeightOnly }, weight);
            return;
        }

        var original = editor.Graph.Initializers[node.Inputs[layer.WeightInput]];
        SimulateBias(editor, node, layer, weight);
        var start = training.Start(layer.Layer, original.ToFloats().Span, weight);
        var step = weightSteps.Add(
            editor,
            $"{layer.Layer}_step_factor",
            [.. weight.Quantizers.Select(_ => 1f)],
            weight.ChannelDims
        );
        weights.Add((layer, weight, step));
        var quantized = QuantizerOperators.AddFakeQuantizeWithZeroPoint(
            editor,
            training.Write(editor, layer.Layer, start, weight),
            editor.Node("Mul", $"{layer.Layer}_steps", [step, Channels("scale", q => q.Scale)]),
            Channels("zero", q => q.ZeroPoint),
            weight.Quantizers[0].MaxCode,
            Channels("most", q => q.MaxCode),
            settings.StepGradientScale(start.Length / weight.Quantizers.Count, weight.Quantizers.Max(q => q.MaxCode))
        );
        node.Inputs[layer.WeightInput] = editor.Cast(
            quantized,
            ElementType.Float,
            original.ElementType,
            $"{quantized}_cast"
        );

        string Channels(string what, Func<UniformQuantizer, float> value) =>
            editor.Constant(
                OnnxTensor.Of(
                    $"{layer.Layer}_{what}",
                    weight.Quantizers.Select(value).ToArray().AsSpan(),
                    weight.ChannelDims
                )
            );
    }

    public override void Quantize(GraphEditor editor, string value, string output, ActivationPoint point)
    {
        if (Plan.Logarithmic.Contains(point))
        {
            RoundLogarithm(editor, value, output, point.Bits);
            return;
        }

        var quantizer = Plan.Activations[point];
        var (scale, zero) = Of(editor, point, quantizer);
        if (zero is null)
        {
            QuantizerOperators.AddFakeQuantize(
                editor,
                value,
                scale,
                quantizer.ZeroPoint,
                quantizer.MaxCode,
                StepGradientScale(editor, value, quantizer),
                output
            );
        }
        else
        {
            QuantizerOperators.AddFakeQuantizeWithZeroPoint(
                editor,
                value,
                scale,
                zero,
                quantizer.MaxCode,
                gradientScale: StepGradientScale(editor, value, quantizer),
                output: output
            );
        }
    }

    /// <summary>Writes what the small parameters are slices of, and lets the graph compute its factors of timesteps from
    /// parameters; once all layers are written.</summary>
    public void WriteParameters(GraphEditor editor)
    {
        foreach (var (point, table) in Plan.Timesteps)
        {
            var factors = TimestepColumns.Ascending(table);
            timestepFactors[point] = steps.Add(editor, $"{point}_timestep_factors", factors, [factors.Length]);
        }

        TimestepColumns.Compute(editor, Plan, timestepFactors);
        foreach (var value in Plan.Normalized)
        {
            normalized.Add(
                (
                    normalizations.Add(editor, $"{value.ScaleConstant}_gain_factor", [1], []),
                    normalizations.Add(editor, $"{value.ShiftConstant}_offset_change", [0], [])
                )
            );
        }

        Statistics = BatchNormalization.Compute(
            editor,
            Plan.Normalized,
            [.. normalized.Select(n => n.Gain)],
            [.. normalized.Select(n => n.Offset)]
        );
        Parameters.AddRange(training.Parameters);
        Parameters.AddRange(
            ((ParameterPack[])[weightSteps, steps, zeros, normalizations])
                .Select(p => p.Write(editor))
                .OfType<Parameter>()
        );
    }

    /// <summary>The network with the parameters as they are.</summary>
    /// <param name="read">Reads a parameter.</param>
    /// <param name="running">Running averages of what <see cref="Statistics"/> held.</param>
    public TrainedNetwork Read(Func<string, float[]> read, float[] running)
    {
        var floats = weights.ToDictionary(w => w.Layer.Layer, w => training.Read(w.Layer.Layer, read));
        return new(
            weights.ToDictionary(w => w.Layer.Layer, w => Round(floats[w.Layer.Layer], w.Weight, w.StepFactor, read)),
            quantizers.Keys.ToDictionary(p => p, p => Quantizer(p, read)),
            timestepFactors.ToDictionary(
                t => t.Key,
                t => TimestepColumns.With(Plan.Timesteps[t.Key], steps.Read(t.Value, read))
            )
        )
        {
            Floats = floats,
            BiasCorrections = biases.ToDictionary(
                b => b.Layer,
                float[] (b) => [.. read(b.Name).Zip(b.Original, (now, before) => now - before)]
            ),
            Normalized =
            [
                .. Plan.Normalized.Select(
                    (n, i) =>
                        n with
                        {
                            Mean = running[2 * i],
                            Deviation = running[(2 * i) + 1],
                            Gain = n.Gain * normalizations.Read(normalized[i].Gain, read)[0],
                            Offset = n.Offset + (n.Deviation * normalizations.Read(normalized[i].Offset, read)[0]),
                        }
                ),
            ],
        };
    }

    private QuantizedWeight Round(float[] floats, QuantizedWeight before, string factor, Func<string, float[]> read)
    {
        var factors = weightSteps.Read(factor, read);
        UniformQuantizer[] own = [.. before.Quantizers.Select((q, c) => q with { Scale = q.Scale * factors[c] })];
        long[] dims = [.. before.Dims];
        own = WeightQuantizer.WithRoom(floats, dims, before.Axis, own);
        return WeightQuantizer.Quantize(floats, dims, before.Axis, own);
    }

    private void SimulateBias(GraphEditor editor, OnnxNode node, LayerPlan layer, QuantizedWeight weight)
    {
        if (
            layer.BiasOf(node) is not { } name
            || editor.Graph.Initializers.GetValueOrDefault(name) is not { } bias
            || bias.ElementCount != weight.Quantizers.Count
            || training.WriteBias(editor, layer.Layer, layer.Corrected(bias), weight) is not { } parameter
        )
        {
            CorrectBias(editor, node, layer);
            return;
        }

        biases.Add((layer.Layer, parameter, bias.ToFloats().ToArray()));
        node.Inputs[2] = editor.Cast(parameter, ElementType.Float, bias.ElementType, $"{parameter}_cast");
    }

    private float StepGradientScale(GraphEditor editor, string value, UniformQuantizer quantizer) =>
        editor.Graph.ShapeOf(value) is { IsStatic: true } shape
            ? settings.StepGradientScale(shape.ToStatic().Aggregate(1L, (a, b) => a * b), quantizer.MaxCode)
            : 1;

    private UniformQuantizer Quantizer(ActivationPoint point, Func<string, float[]> read)
    {
        var quantizer = Plan.Activations[point];
        var factor = stepFactors.TryGetValue(point, out var name) ? steps.Read(name, read)[0] : 1;
        var zero = zeroPoints.TryGetValue(point, out name)
            ? (int)MathF.Round(zeros.Read(name, read)[0])
            : quantizer.ZeroPoint;
        return quantizer with { Scale = quantizer.Scale * factor, ZeroPoint = Math.Clamp(zero, 0, quantizer.MaxCode) };
    }

    private (string Scale, string? Zero) Of(GraphEditor editor, ActivationPoint point, UniformQuantizer quantizer)
    {
        if (quantizers.TryGetValue(point, out var known))
        {
            return known;
        }

        var scale = editor.Constant(OnnxTensor.Scalar($"{point}_scale", quantizer.Scale));
        if (!Plan.Timesteps.ContainsKey(point))
        {
            // Those with factors by timestep have no need of one more.
            var factor = steps.Add(editor, $"{point}_step_factor", [1], []);
            stepFactors[point] = factor;
            scale = editor.Node("Mul", $"{point}_learned_scale", [factor, scale]);
        }

        string? zero = null;
        if (point.Symmetry == Symmetry.Asymmetric)
        {
            zeroPoints[point] = zero = zeros.Add(editor, $"{point}_zero_point", [quantizer.ZeroPoint], []);
        }

        return quantizers[point] = (scale, zero);
    }
}
