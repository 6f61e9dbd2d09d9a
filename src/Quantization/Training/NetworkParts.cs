using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Simulation;

namespace DiffusionQuant.Quantization.Training;

/// <summary>
/// A simulation of the whole network whose weights are Q(W + B·A) with learned steps, and whose activations have learned
/// steps, zero points and factors by timestep. Initializers of the graph hold the parameters' first values until training
/// turns them into inputs.
/// </summary>
/// <param name="plan">What training starts from: weights' codes, quantizers, factors.</param>
/// <param name="settings">What is learned, and how fast.</param>
/// <param name="seed">Of the random factors.</param>
internal sealed class NetworkParts(QuantizationPlan plan, FineTuningSettings settings, int seed) : SimulationParts(plan)
{
    private readonly Dictionary<ActivationPoint, (string Scale, string? Zero)> quantizers = [];
    private readonly Dictionary<ActivationPoint, string> stepFactors = [];
    private readonly Dictionary<ActivationPoint, string> zeroPoints = [];
    private readonly Dictionary<ActivationPoint, string> timestepFactors = [];
    private readonly List<TrainedWeight> weights = [];
    private readonly ParameterPack weightSteps = new("weight_step_factors", Steps(settings.WeightStepRate));
    private readonly ParameterPack steps = new("activation_step_factors", Steps(settings.ActivationStepRate));
    private readonly ParameterPack zeros = new(
        "activation_zero_points",
        new(settings.ZeroPointRate) { Schedule = LearningRateSchedule.Linear }
    );

    /// <summary>All parameters, once <see cref="WriteParameters"/> was called.</summary>
    public List<Parameter> Parameters { get; } = [];

    public override void SimulateWeights(GraphEditor editor, OnnxNode node, LayerPlan layer, QuantizedWeight weight)
    {
        // 8 bits lose nothing that training could win back; such layers stay as they are, as in EfficientDM.
        if (weight.Quantizers.All(q => q.Bits >= 8))
        {
            base.SimulateWeights(editor, node, layer with { Mode = LayerMode.WeightOnly }, weight);
            return;
        }

        CorrectBias(editor, node, layer);

        var original = editor.Graph.Initializers[node.Inputs[layer.WeightInput]];
        var start = Start(original.ToFloats().Span, weight);
        var factors = LowRankFactors.Of(start, weight, settings.Rank, settings.Start, new Random(seed + weights.Count));
        var mean = weight.Quantizers.Average(q => q.Scale);
        var rate = new AdamSettings(settings.LowRankRate * mean)
        {
            Schedule = LearningRateSchedule.Linear,
            WeightDecay = settings.WeightDecay,
        };
        var a = Add(editor, $"{layer.Layer}_lora_a", factors.A, [factors.Rank, factors.Columns], rate);
        var b = Add(editor, $"{layer.Layer}_lora_b", factors.B, [factors.Rows, factors.Rank], rate);
        var step = weightSteps.Add(
            editor,
            $"{layer.Layer}_step_factor",
            [.. weight.Quantizers.Select(_ => 1f)],
            weight.ChannelDims
        );
        weights.Add(new(layer.Layer, start, weight, factors.Rank, a, b, step));

        var dims = original.Dims.ToArray();
        var change = editor.Node("MatMul", $"{layer.Layer}_change", [b, a]);
        var merged = editor.Node(
            "Add",
            $"{layer.Layer}_merged",
            [
                editor.Constant(OnnxTensor.Of($"{layer.Layer}_start", start.AsSpan(), dims)),
                editor.Node("Reshape", $"{layer.Layer}_change_shaped", [change, editor.Integers(dims)]),
            ]
        );
        var quantized = QuantizerOperators.AddFakeQuantizeWithZeroPoint(
            editor,
            merged,
            editor.Node("Mul", $"{layer.Layer}_steps", [step, Channels("scale", q => q.Scale)]),
            Channels("zero", q => q.ZeroPoint),
            weight.Quantizers[0].MaxCode,
            Channels("most", q => q.MaxCode)
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
                output: output
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
        Parameters.AddRange(
            ((ParameterPack[])[weightSteps, steps, zeros]).Select(p => p.Write(editor)).OfType<Parameter>()
        );
    }

    /// <summary>The network with the parameters as they are.</summary>
    /// <param name="read">Reads a parameter.</param>
    public TrainedNetwork Read(Func<string, float[]> read) =>
        new(
            weights.ToDictionary(w => w.Layer, w => w.Read(read, weightSteps)),
            quantizers.Keys.ToDictionary(p => p, p => Quantizer(p, read)),
            timestepFactors.ToDictionary(
                t => t.Key,
                t => TimestepColumns.With(Plan.Timesteps[t.Key], steps.Read(t.Value, read))
            )
        );

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

    private string Add(GraphEditor editor, string wanted, float[] values, long[] dims, AdamSettings rate)
    {
        var tensor = OnnxTensor.Of(editor.Unique(wanted), values.AsSpan(), dims);
        editor.Graph.Add(tensor);
        Parameters.Add(new(tensor, rate));
        return tensor.Name;
    }

    /// <summary>Step sizes stay positive.</summary>
    private static AdamSettings Steps(float rate) =>
        new(rate) { Schedule = LearningRateSchedule.Linear, LeastValue = 0.01f };

    /// <summary>
    /// The float weights, moved as little as it takes to be rounded to the codes that they have: so training goes on from a
    /// rounding that was chosen for the layer's output (GPTQ, AdaRound), not from the nearest one.
    /// </summary>
    private static float[] Start(ReadOnlySpan<float> weight, QuantizedWeight quantized)
    {
        // Short of a half, where rounding would be by chance.
        const float Most = 0.49f;
        var start = weight.ToArray();
        var codes = quantized.Codes.Span;
        foreach (var (channel, first, length) in WeightChannels.Runs(quantized.Dims, quantized.Axis))
        {
            var quantizer = quantized.Quantizers[channel];
            for (var i = first; i < first + length; i++)
            {
                if (quantizer.Quantize(start[i]) != codes[i])
                {
                    var centre = quantizer.Dequantize(codes[i]);
                    start[i] = Math.Clamp(
                        start[i],
                        centre - (Most * quantizer.Scale),
                        centre + (Most * quantizer.Scale)
                    );
                }
            }
        }

        return start;
    }

    /// <summary>A layer's weight with the names of its parameters.</summary>
    private sealed record TrainedWeight(
        string Layer,
        float[] Start,
        QuantizedWeight Weight,
        int Rank,
        string A,
        string B,
        string StepFactor
    )
    {
        public QuantizedWeight Read(Func<string, float[]> read, ParameterPack stepFactors)
        {
            var steps = stepFactors.Read(StepFactor, read);
            var merged = LowRankFactors.Merge(Start, Rank, read(A), read(B));
            UniformQuantizer[] quantizers =
            [
                .. Weight.Quantizers.Select((q, c) => q with { Scale = q.Scale * steps[c] }),
            ];
            return WeightQuantizer.Quantize(merged, [.. Weight.Dims], Weight.Axis, quantizers);
        }
    }
}
