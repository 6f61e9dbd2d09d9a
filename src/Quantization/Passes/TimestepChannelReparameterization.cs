using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Scaling;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Divides the channels of layers' inputs by ratios, and multiplies the weights by them, so that the channels' ranges are
/// alike at all timesteps and one step size serves them all: TCR of TCAQ-DM (Huang et al., AAAI 2025). What the network
/// computes in float does not change. The division folds into an affine normalization before it where there is one and
/// nothing between; elsewhere it is a multiplication before the values are rounded.
/// </summary>
/// <param name="share">See <see cref="ChannelRatios.Joint"/>: 0 for the paper's minimum.</param>
public sealed class TimestepChannelReparameterization(double share = 0) : IQuantizationPass
{
    /// <summary>R_tru: at 4 bits weights have no room for what 8-bit activations do not need.</summary>
    private const double Truncation = 3;

    /// <summary>Ratios nearer to each other than this are not worth a multiplication.</summary>
    private const double LeastSpread = 1.05;

    /// <inheritdoc/>
    public string Name => "reparameterize channels";

    /// <inheritdoc/>
    public double Weight => 20;

    /// <inheritdoc/>
    public bool Applies(Recipes.Recipe recipe) => recipe.Bits.QuantizesActivations;

    /// <inheritdoc/>
    public QuantizationState Run(QuantizationState state, PassContext context)
    {
        ScaledInput[] inputs = [.. ScaledInput.Find(state).Where(i => i.HasWeights && IsKnown(state.Graph.Graph, i))];
        if (inputs.Length == 0)
        {
            return state;
        }

        var maxima = ChannelMaxima.Of(state, inputs, context);
        var model = state.Graph.Clone();
        var editor = new GraphEditor(model.Graph);
        foreach (var input in inputs)
        {
            var ratios = ChannelRatios.Joint(maxima[input], Most(input), share);
            if (ratios.Max() >= LeastSpread * ratios.Min())
            {
                Apply(editor, input, ratios);
            }
        }

        model.Graph.SortTopologically();
        model.Graph.RemoveUnused();
        return new PlanLayers().Run(state with { Graph = model }, context);
    }

    private static bool IsKnown(OnnxGraph graph, ScaledInput input) =>
        graph.ShapeOf(input.Value) is { Rank: > 1 } shape
        && shape[input.ChannelAxis(shape.Rank)].Value is { } channels
        && channels == input.Channels;

    private static double Most(ScaledInput input) =>
        input.Readers.Min(r => r.Plan.WeightBits) <= 4 && input.Point.Bits >= 8 ? Truncation : double.PositiveInfinity;

    private static void Apply(GraphEditor editor, ScaledInput input, float[] ratios)
    {
        var graph = editor.Graph;
        var nodes = input.Readers.ToDictionary(r => r, r => graph.Nodes.Single(n => n.Name == r.Layer.Name));
        foreach (var (reader, node) in nodes)
        {
            node.Inputs[reader.Layer.WeightInput] = editor.Constant(ChannelScaling.Scale(reader.Layer, ratios));
        }

        float[] inverse = [.. ratios.Select(r => 1 / r)];
        if (AffineFolding.TryFold(editor, input, inverse))
        {
            return;
        }

        var type = graph.TypeOf(input.Value);
        var rank = graph.ShapeOf(input.Value)!.Rank;
        var dims = new long[rank];
        Array.Fill(dims, 1);
        dims[input.ChannelAxis(rank)] = inverse.Length;
        var factors = editor.Constant(FloatTensors.Of($"{input.Value}_channel_factors", type, inverse, dims));
        input.Replace(
            editor,
            value =>
            {
                var scaled = ScalingNodes.Multiply(editor, value, factors, $"{value}_by_channel", nodes.Values);
                graph.Nodes[^1].Metadata.Add(new(ScalingNodes.ChannelKey, ""));
                return scaled;
            }
        );
    }
}
