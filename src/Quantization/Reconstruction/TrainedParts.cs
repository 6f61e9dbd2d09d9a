using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Simulation;

namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>
/// A simulation whose roundings and step sizes are parameters. Initializers of the graph hold their first values until
/// training turns them into inputs.
/// </summary>
internal sealed class TrainedParts(
    QuantizationPlan plan,
    ReconstructionSettings settings,
    IReadOnlySet<ActivationPoint> fixedPoints
) : SimulationParts(plan)
{
    private readonly Dictionary<ActivationPoint, string> scales = [];

    /// <summary>The roundings that are learned.</summary>
    public List<TrainedRounding> Roundings { get; } = [];

    /// <summary>The parameter of each learned step: a factor on the plan's step size.</summary>
    public Dictionary<ActivationPoint, string> StepFactors { get; } = [];

    /// <summary>The quantized values, of which some elements may stay float at random.</summary>
    public List<MixedValue> Mixed { get; } = [];

    public override void SimulateWeights(GraphEditor editor, OnnxNode node, LayerPlan layer, QuantizedWeight weight)
    {
        if (!settings.LearnsRounding)
        {
            base.SimulateWeights(editor, node, layer with { Mode = LayerMode.WeightOnly }, weight);
            return;
        }

        // The bias stays float: its rounding to the sums' steps is far below the weights'.
        CorrectBias(editor, node, layer);

        var original = editor.Graph.Initializers[node.Inputs[layer.WeightInput]];
        var dims = original.Dims.ToArray();
        var rounding = new SoftRounding(original.ToFloats().Span, weight);
        var alpha = Add("alpha", Plan.Roundings.GetValueOrDefault(layer.Layer) ?? rounding.InitialAlpha);
        var sigmoid = editor.Node("Sigmoid", $"{alpha}_sigmoid", [alpha]);
        var stretched = editor.Node(
            "Mul",
            $"{alpha}_scaled",
            [sigmoid, Number(SoftRounding.Zeta - SoftRounding.Gamma)]
        );
        var shifted = editor.Node("Add", $"{alpha}_shifted", [stretched, Number(SoftRounding.Gamma)]);
        var share = editor.Node("Clip", $"{alpha}_share", [shifted, Number(0), Number(1)]);
        var raised = editor.Node("Mul", $"{alpha}_raised", [Add("span", rounding.Span), share]);
        var soft = editor.Node("Add", $"{alpha}_weight", [Add("lower", rounding.Lower), raised]);
        node.Inputs[layer.WeightInput] = editor.Cast(soft, ElementType.Float, original.ElementType, $"{soft}_cast");
        Roundings.Add(new(layer.Layer, rounding, alpha, share));

        string Add(string what, float[] values) =>
            editor.Constant(OnnxTensor.Of($"{layer.Layer}_{what}", values.AsSpan(), dims));
        string Number(float value) => editor.Shared($"rounding_{value:R}", n => OnnxTensor.Scalar(n, value));
    }

    public override void Quantize(GraphEditor editor, string value, string output, ActivationPoint point)
    {
        if (!settings.QuantizesActivations)
        {
            editor.NodeTo(output, "Identity", [value]);
            return;
        }

        if (Plan.Logarithmic.Contains(point))
        {
            RoundLogarithm(editor, value, output, point.Bits);
            return;
        }

        var quantizer = Plan.Activations[point];
        var shape = editor.Graph.ShapeOf(value) ?? editor.Graph.ShapeOf(output);
        var dims = shape is { IsStatic: true } ? shape.ToStatic() : [];
        var features = dims.Length == 0 ? 1 : dims.Aggregate(1L, (a, b) => a * b) / Math.Max(dims[0], 1);
        var drops = settings.DropProbability > 0;
        var quantized = QuantizerOperators.AddFakeQuantize(
            editor,
            value,
            Scale(editor, point, quantizer),
            quantizer.ZeroPoint,
            quantizer.MaxCode,
            (float)(1 / Math.Sqrt((double)features * quantizer.MaxCode)),
            drops ? editor.Unique($"{output}_whole") : output
        );
        if (drops)
        {
            Mixed.Add(new(value, quantized, dims, output));
        }
    }

    private string Scale(GraphEditor editor, ActivationPoint point, UniformQuantizer quantizer)
    {
        if (scales.TryGetValue(point, out var known))
        {
            return known;
        }

        var scale = editor.Constant(OnnxTensor.Scalar($"{point}_scale", quantizer.Scale));
        if (settings.LearnsSteps && !fixedPoints.Contains(point))
        {
            var factor = editor.Constant(OnnxTensor.Scalar($"{point}_factor", 1f));
            StepFactors[point] = factor;
            scale = editor.Node("Mul", $"{point}_learned_scale", [factor, scale]);
        }

        return scales[point] = scale;
    }
}

/// <summary>A layer's rounding that is learned.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Rounding">The open rounding.</param>
/// <param name="Alpha">The parameter α.</param>
/// <param name="Share">The value h(α).</param>
internal sealed record TrainedRounding(string Layer, SoftRounding Rounding, string Alpha, string Share);

/// <summary>A value of which some elements may stay float.</summary>
/// <param name="Float">In float.</param>
/// <param name="Quantized">Quantized.</param>
/// <param name="Dims">Its sizes; empty where they are not known.</param>
/// <param name="Output">The name that the mixture must have.</param>
internal sealed record MixedValue(string Float, string Quantized, long[] Dims, string Output);
