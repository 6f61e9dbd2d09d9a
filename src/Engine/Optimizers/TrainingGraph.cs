using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Optimizers;

/// <summary>
/// One graph that does one step of training: it computes the loss, its gradients, and from them each parameter and its two
/// moments anew. Parameters are inputs and outputs, so they can stay on the device from step to step.
/// </summary>
public sealed class TrainingGraph
{
    private TrainingGraph(OnnxModel model, string loss)
    {
        Model = model;
        Loss = loss;
    }

    /// <summary>The graph of a step.</summary>
    public OnnxModel Model { get; }

    /// <summary>The output that holds the loss.</summary>
    public string Loss { get; }

    /// <summary>Further outputs of a step, computed with the parameters before it.</summary>
    public IReadOnlyList<string> Observed { get; private init; } = [];

    /// <summary>The parameters with the names of their values before and after a step.</summary>
    internal IReadOnlyList<TrainedParameter> Parameters { get; private init; } = [];

    /// <summary>The distinct settings of parameters.</summary>
    internal IReadOnlyList<AdamSettings> Groups { get; private init; } = [];

    /// <summary>The input that takes each group's rate.</summary>
    internal IReadOnlyList<string> RateInputs { get; private init; } = [];

    /// <summary>Writes the graph of a step.</summary>
    /// <param name="forward">A graph that computes the loss; not changed. Operators of
    /// <see cref="QuantizerOperators.Domain"/> are allowed in it.</param>
    /// <param name="loss">The scalar to minimise, float32.</param>
    /// <param name="parameters">What to train: values that the graph reads and nothing in it makes.</param>
    /// <param name="observed">Float values of the graph to show besides the loss.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4030 to DQ4032: it cannot be differentiated.</exception>
    public static TrainingGraph Build(
        OnnxModel forward,
        string loss,
        IReadOnlyList<Parameter> parameters,
        IReadOnlyList<string>? observed = null
    )
    {
        var model = forward.Clone();
        var graph = model.Graph;
        foreach (var parameter in parameters)
        {
            graph.Initializers.Remove(parameter.Name);
            if (!graph.Inputs.Exists(i => i.Name == parameter.Name))
            {
                graph.Inputs.Add(new(parameter.Name, ElementType.Float, parameter.Initial.Shape));
            }
        }

        var gradients = GradientGraph.Append(model, loss, [.. parameters.Select(p => p.Name)]);
        graph.Outputs.Clear();
        graph.Outputs.Add(new(loss, ElementType.Float, TensorShape.Scalar));
        graph.Outputs.AddRange((observed ?? []).Select(o => new ValueInfo(o, ElementType.Float, null)));
        var groups = parameters.Select(p => p.Settings).Distinct().ToArray();
        var adam = new AdamWriter(graph);
        var rates = groups.Select((_, i) => adam.AddRate($"learning_rate_{i}")).ToArray();
        var trained = parameters
            .Select(p => adam.AddUpdate(p, gradients[p.Name], rates[Array.IndexOf(groups, p.Settings)]))
            .ToArray();
        graph.SortTopologically();
        graph.RemoveUnused();
        QuantizerOperators.Lower(model);
        graph.SortTopologically();
        graph.ValueInfos.Clear();
        return new(model, loss)
        {
            Observed = observed ?? [],
            Parameters = trained,
            Groups = groups,
            RateInputs = rates,
        };
    }
}
