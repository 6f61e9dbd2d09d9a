using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Scaling;

/// <summary>A layer that reads a value at one of its inputs.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Plan">What the plan says of it.</param>
/// <param name="Input">Which of its inputs; also the place in <see cref="LayerPlan.Inputs"/>.</param>
internal sealed record LayerReader(QuantizableLayer Layer, LayerPlan Plan, int Input);

/// <summary>
/// A value that layers read as codes of one quantizer: what can be scaled before it is rounded, if the layers undo it.
/// </summary>
/// <param name="Value">The value.</param>
/// <param name="Readers">The layers; others may read the value too, in float.</param>
internal sealed record ScaledInput(string Value, IReadOnlyList<LayerReader> Readers)
{
    /// <summary>The point that the layers read.</summary>
    public ActivationPoint Point => Readers[0].Plan.Inputs[Readers[0].Input];

    /// <summary>Whether all readers multiply by constant weights, which can take a factor per channel.</summary>
    public bool HasWeights => Readers.All(r => r.Layer.Weight is not null);

    /// <summary>The value's channels for readers with weights.</summary>
    public int Channels => checked((int)ChannelsOf(Readers[0].Layer));

    /// <summary>The dimension of the channels in a value of a rank.</summary>
    public int ChannelAxis(int rank) => Readers[0].Layer.Kind == LayerKind.Convolution ? 1 : rank - 1;

    /// <summary>
    /// Whether the value's first dimension is the network's samples, or all samples of a call have one timestep: only then
    /// can each have the factor of its timestep.
    /// </summary>
    public bool HasRowPerSample(QuantizationState state)
    {
        var (graph, contract) = (state.Graph.Graph, state.Source.Contract);
        return graph.ShapeOf(Value) is { Rank: > 1 } shape
            && (contract.TimestepIsShared || Shapes.Same(shape[0], graph.ShapeOf(contract.Sample.Name)![0]));
    }

    /// <summary>The inputs of all layers that compute in integers.</summary>
    public static IReadOnlyList<ScaledInput> Find(QuantizationState state) =>
        [
            .. state
                .Layers.Zip(state.Plan.Layers)
                .Where(l => l.Second.Mode == LayerMode.Integer)
                .SelectMany(l => l.Second.Inputs.Select((_, i) => new LayerReader(l.First, l.Second, i)))
                .GroupBy(r =>
                    (
                        Value: r.Layer.Node.Inputs[r.Input],
                        Point: r.Plan.Inputs[r.Input],
                        HasWeights: r.Layer.Weight is not null,
                        OfImages: r.Layer.Kind == LayerKind.Convolution
                    )
                )
                .Select(g => new ScaledInput(g.Key.Value, [.. g])),
        ];

    /// <summary>
    /// Lets the readers read another value, made of the present one. Behind an enlargement by repetition there is no more
    /// to learn than before it, and four times as much to compute.
    /// </summary>
    /// <param name="editor">The graph.</param>
    /// <param name="make">Writes the new value from the one that it is given, and returns its name.</param>
    public void Replace(GraphEditor editor, Func<string, string> make)
    {
        var index = new GraphIndex(editor.Graph);
        var value = Value;
        var readers = new List<(OnnxNode Node, int Input)>(
            Readers.Select(r => (editor.Graph.Nodes.Single(n => n.Name == r.Layer.Name), r.Input))
        );
        while (
            index.Producer(value) is { } mover
            && mover.Is("Resize")
            && DataMovement.Is(mover)
            && !index.IsOutput(value)
            && index.Consumers(value).All(c => readers.Exists(r => r.Node == c))
        )
        {
            value = mover.Inputs[0];
            readers = [(mover, 0)];
        }

        var made = make(value);
        foreach (var (node, input) in readers)
        {
            node.Inputs[input] = made;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Value;

    private static long ChannelsOf(QuantizableLayer layer)
    {
        var dims = layer.Weight!.Dims;
        return layer.Kind switch
        {
            LayerKind.Convolution => dims[1] * layer.Node.Int("group", 1),
            LayerKind.Gemm when layer.Node.Int("transB") != 0 => dims[1],
            _ => dims[0],
        };
    }
}
