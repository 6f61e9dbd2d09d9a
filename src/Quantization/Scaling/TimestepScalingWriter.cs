using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Scaling;

/// <summary>Writes the factors of timesteps around layers.</summary>
internal sealed class TimestepScalingWriter(GraphEditor editor, TimestepFactors factors)
{
    private readonly List<(string Name, TimestepFactorKind Kind, IReadOnlyList<ScaledInput> Inputs)> written = [];

    /// <summary>What was written: names of factors, and the inputs from whose factors they follow.</summary>
    public IReadOnlyList<(string Name, TimestepFactorKind Kind, IReadOnlyList<ScaledInput> Inputs)> Written => written;

    /// <summary>Divides what layers read.</summary>
    public void Divide(ScaledInput input, float[] groups)
    {
        var graph = editor.Graph;
        var nodes = input.Readers.Select(r => NodeOf(r.Layer)).ToArray();
        var rank = graph.ShapeOf(input.Value)!.Rank;
        var type = graph.TypeOf(input.Value);
        var inverse = factors.Add($"{input.Value}_timestep_inverse", type, rank, groups.Select(f => 1 / f));
        written.Add((inverse, TimestepFactorKind.Inverse, [input]));
        input.Replace(
            editor,
            value =>
            {
                // A multiplication by channels takes the timestep's factor with it: small numbers are multiplied instead.
                if (
                    new GraphIndex(graph).Producer(value) is { } scaling
                    && scaling.Metadata.Exists(m => m.Key == ScalingNodes.ChannelKey)
                    && IsOnlyReadBy(value, nodes)
                )
                {
                    scaling.Inputs[1] = editor.Node("Mul", $"{value}_factors", [scaling.Inputs[1], inverse]);
                    return value;
                }

                return ScalingNodes.Multiply(editor, value, inverse, $"{value}_by_timestep", nodes);
            }
        );
    }

    /// <summary>
    /// Multiplies what a layer gives. Its bias stays in it, because sums without it reach much further, and what is then
    /// multiplied wrongly is added behind: <c>f · (W·x/f + b) + (1 − f) · b</c>.
    /// </summary>
    /// <param name="layer">The layer.</param>
    /// <param name="inputs">Its inputs that are divided, with their factors.</param>
    public void Multiply(QuantizableLayer layer, IReadOnlyList<(ScaledInput Input, float[] Factors)> inputs)
    {
        var graph = editor.Graph;
        var node = NodeOf(layer);
        var output = node.Outputs[0];
        var shape = graph.ShapeOf(output)!;
        var type = graph.TypeOf(output);
        var product = inputs.Select(i => i.Factors).Aggregate((a, b) => [.. a.Zip(b, (x, y) => x * y)]);
        ScaledInput[] scaled = [.. inputs.Select(i => i.Input)];
        var factor = factors.Add($"{output}_timestep_factor", type, shape.Rank, product);
        written.Add((factor, TimestepFactorKind.Factor, scaled));
        node.Outputs[0] = editor.Unique($"{output}_scaled");
        if (BiasByChannel(layer, node, shape.Rank) is not { } bias)
        {
            editor.NodeTo(output, "Mul", [node.Outputs[0], factor]);
            ScalingNodes.Tagged(editor, output, [node]);
            return;
        }

        var rest = factors.Add($"{output}_timestep_rest", type, shape.Rank, product.Select(f => 1 - f));
        written.Add((rest, TimestepFactorKind.Rest, scaled));
        var shift = ScalingNodes.Multiply(editor, bias, rest, $"{output}_bias_rest", [node]);
        var multiplied = ScalingNodes.Multiply(editor, node.Outputs[0], factor, $"{output}_multiplied", [node]);
        if (SmallSummand(output, shape) is var (add, place))
        {
            // What is added anyway, the time embedding for instance, takes it along: small numbers are added instead.
            add.Inputs[place] = editor.Node("Add", $"{output}_summand", [add.Inputs[place], shift]);
            ScalingNodes.Tagged(editor, output, [node]);
            add.Inputs[1 - place] = multiplied;
            return;
        }

        editor.NodeTo(output, "Add", [multiplied, shift]);
        ScalingNodes.Tagged(editor, output, [node]);
    }

    /// <summary>A layer's bias in a form that broadcasts along its output's channels.</summary>
    private string? BiasByChannel(QuantizableLayer layer, OnnxNode node, int rank)
    {
        if (layer.Kind is not (LayerKind.Convolution or LayerKind.Gemm) || node.Input(2) is not { } name)
        {
            return null;
        }

        if (layer.Kind == LayerKind.Gemm)
        {
            return name;
        }

        var bias = editor.Graph.Initializers[name];
        var dims = new long[rank];
        Array.Fill(dims, 1);
        dims[1] = bias.ElementCount;
        return editor.Constant(bias.WithName($"{name}_by_channel").WithDims(dims));
    }

    /// <summary>The addition that alone reads a value, and which of its inputs is one number per channel and sample.</summary>
    private (OnnxNode Node, int Place)? SmallSummand(string value, TensorShape shape)
    {
        var index = new GraphIndex(editor.Graph);
        if (index.IsOutput(value) || index.Consumers(value) is not [var add] || !add.Is("Add"))
        {
            return null;
        }

        var place = add.Inputs[0] == value ? 1 : 0;
        return
            editor.Graph.ShapeOf(add.Inputs[place]) is { } other
            && other.Rank == shape.Rank
            && other.Rank > 2
            && Enumerable.Range(2, other.Rank - 2).All(i => other[i].Value == 1)
            ? (add, place)
            : null;
    }

    private bool IsOnlyReadBy(string value, OnnxNode[] readers)
    {
        var index = new GraphIndex(editor.Graph);
        return !index.IsOutput(value) && index.Consumers(value).All(readers.Contains);
    }

    private OnnxNode NodeOf(QuantizableLayer layer) => editor.Graph.Nodes.Single(n => n.Name == layer.Name);
}
