using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.ShapeInference;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Simulation;

namespace DiffusionQuant.Quantization.Training;

/// <summary>The graph of one gradient step on the whole network, whose output is compared with what it should be.</summary>
internal sealed class DistillationGraph
{
    /// <summary>The input that takes what the outputs should be.</summary>
    public const string TargetName = "wanted_output";

    private DistillationGraph(TrainingGraph graph, NetworkParts parts)
    {
        Graph = graph;
        Parts = parts;
    }

    /// <summary>The training graph.</summary>
    public TrainingGraph Graph { get; }

    /// <summary>The parameters.</summary>
    public NetworkParts Parts { get; }

    /// <summary>The network's own inputs that the graph reads.</summary>
    public IReadOnlyList<string> Inputs { get; private init; } = [];

    /// <summary>The sizes of the target.</summary>
    public long[] TargetDims { get; private init; } = [];

    /// <summary>The output that shows the features of a step, and their sizes; null where nothing compares them.</summary>
    public (string Name, long[] Dims)? Features { get; private init; }

    /// <summary>The output that shows the statistics of a step's normalized values; null where there are none.</summary>
    public string? Statistics { get; private init; }

    /// <summary>Builds the graph.</summary>
    /// <param name="state">Graph and plan.</param>
    /// <param name="settings">What is learned, and how.</param>
    /// <param name="call">A call of the batch that all steps will have.</param>
    /// <param name="features">What relations are compared of; null for nothing.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4030 to DQ4032: the network cannot be differentiated.</exception>
    public static DistillationGraph Build(
        QuantizationState state,
        NetworkTrainingSettings settings,
        DenoiserCall call,
        NetworkFeatures? features
    )
    {
        var contract = state.Source.Contract;
        var part = FixedSizes.Of(state.Graph, contract, call);
        var parts = new NetworkParts(state.Plan, settings, settings.Weights(unchecked((int)state.Recipe.Seed)));
        var model = SimulationBuilder.Build(part, parts);
        var editor = new GraphEditor(model.Graph);
        parts.WriteParameters(editor);
        var graph = model.Graph;
        var output = contract.Output.Name;
        var dims = part.Graph.ShapeOf(output)!.ToStatic();
        graph.Inputs.Add(new(TargetName, ElementType.Float, TensorShape.Of(dims)));
        var floats = Floats(editor, part, output);
        var loss = SquaredError.Write(editor, floats, TargetName, settings.LossShare(dims));
        var statistics = parts.Statistics;
        (string Name, long[] Dims)? shown = null;
        if (features is not null && settings.Relation is { } relation)
        {
            var sizes = part.Graph.ShapeOf(features.Value)!.ToStatic();
            var value = editor.Node("Identity", "step_features", [Floats(editor, part, features.Value)]);
            var term = new RelationLoss(editor, relation, sizes, features.AreChannelsLast ? sizes.Length - 1 : 1);
            loss = editor.Node("Add", "total_loss", [loss, term.Write(value)]);
            shown = (value, sizes);
        }

        graph.Outputs.Clear();
        graph.Outputs.Add(new(loss, ElementType.Float, TensorShape.Scalar));
        if (shown is var (name, shape))
        {
            graph.Outputs.Add(new(name, ElementType.Float, TensorShape.Of(shape)));
        }

        if (statistics is not null)
        {
            graph.Outputs.Add(new(statistics, ElementType.Float, null));
        }

        graph.SortTopologically();
        graph.RemoveUnused();
        string[] inputs = [.. contract.Inputs.Select(i => i.Name).Where(i => graph.Inputs.Exists(g => g.Name == i))];
        string[] observed = [.. new[] { shown?.Name, statistics }.OfType<string>()];
        var training = TrainingGraph.Build(model, loss, parts.Parameters, settings.Options(observed));
        return new(training, parts)
        {
            Inputs = inputs,
            TargetDims = dims,
            Features = shown,
            Statistics = statistics,
        };
    }

    private static string Floats(GraphEditor editor, OnnxModel part, string value) =>
        editor.Cast(value, part.Graph.TypeOf(value), ElementType.Float, $"{value}_floats");
}
