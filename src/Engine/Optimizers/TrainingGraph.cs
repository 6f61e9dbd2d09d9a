using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Optimizers;

/// <summary>
/// One graph that does one step of training: it computes the loss, its gradients, and from them each parameter and its two
/// moments anew. Parameters are inputs and outputs, so they can stay on the device from step to step. Where several batches
/// make a step, one graph adds up gradients and a second one updates.
/// </summary>
public sealed class TrainingGraph
{
    private TrainingGraph(OnnxModel model, string loss)
    {
        Model = model;
        Loss = loss;
    }

    /// <summary>The graph of a step, or of one of its batches.</summary>
    public OnnxModel Model { get; }

    /// <summary>The graph that ends a step of several batches; null where <see cref="Model"/> does it all.</summary>
    public OnnxModel? Update { get; private init; }

    /// <summary>The output that holds the loss.</summary>
    public string Loss { get; }

    /// <summary>What a step does besides.</summary>
    public TrainingOptions Options { get; private init; } = new();

    /// <summary>Further outputs of a step, computed with the parameters before it.</summary>
    public IReadOnlyList<string> Observed => Options.Observed;

    /// <summary>The output with the norm of all gradients before they are clipped; null where they are not.</summary>
    internal string? Norm { get; private init; }

    /// <summary>The parameters with the names of their values before and after a step.</summary>
    internal IReadOnlyList<TrainedParameter> Parameters { get; private init; } = [];

    /// <summary>The distinct settings of parameters.</summary>
    internal IReadOnlyList<AdamSettings> Groups { get; private init; } = [];

    /// <summary>The input that takes each group's rate.</summary>
    internal IReadOnlyList<string> RateInputs { get; private init; } = [];

    /// <summary>The input that takes the decay of averages; null where none are kept.</summary>
    internal string? AverageRate { get; private init; }

    /// <summary>The sums of gradients; none where a step is one batch.</summary>
    internal IReadOnlyList<GradientSum> Sums { get; private init; } = [];

    /// <summary>The input that says whether sums of gradients are continued; null where there are none.</summary>
    internal string? KeptSums { get; private init; }

    /// <summary>Writes the graph of a step.</summary>
    /// <param name="forward">A graph that computes the loss; not changed. Operators of
    /// <see cref="QuantizerOperators.Domain"/> are allowed in it.</param>
    /// <param name="loss">The scalar to minimise, float32.</param>
    /// <param name="parameters">What to train: values that the graph reads and nothing in it makes.</param>
    /// <param name="options">What a step does besides; null for nothing.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4030 to DQ4032: it cannot be differentiated.</exception>
    public static TrainingGraph Build(
        OnnxModel forward,
        string loss,
        IReadOnlyList<Parameter> parameters,
        TrainingOptions? options = null
    )
    {
        options ??= new();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Accumulation, 1);
        var model = forward.Clone();
        var graph = model.Graph;
        AddInputs(graph, parameters);
        var ordered = InOrder(graph, parameters);
        var gradients = GradientGraph.Append(model, loss, [.. parameters.Select(p => p.Name)], out var gradientOf);
        graph.Outputs.Clear();
        graph.Outputs.Add(new(loss, ElementType.Float, TensorShape.Scalar));
        graph.Outputs.AddRange(options.Observed.Select(o => new ValueInfo(o, ElementType.Float, null)));
        if (options.Recomputation is { } recomputation)
        {
            new RecomputationWriter(model, loss, gradients.Keys, gradientOf).Write(recomputation);
        }

        TrainingGraph result;
        if (options.Accumulation == 1)
        {
            result = WithUpdate(model, model, loss, [.. ordered.Select(p => (p, gradients[p.Name]))], options);
        }
        else
        {
            var writer = new AccumulationWriter(graph);
            GradientSum[] sums = [.. ordered.Select(p => writer.Add(p, gradients[p.Name]))];
            var update = UpdateModel(model, sums);
            result = WithUpdate(
                model,
                update,
                loss,
                [.. sums.Select(s => (s.Parameter, s.Before))],
                options,
                writer.Kept,
                sums
            );
        }

        graph.SortTopologically();
        graph.RemoveUnused();
        QuantizerOperators.Lower(model);
        graph.SortTopologically();
        graph.ValueInfos.Clear();
        return result;
    }

    private static TrainingGraph WithUpdate(
        OnnxModel model,
        OnnxModel update,
        string loss,
        (Parameter Parameter, string Gradient)[] gradients,
        TrainingOptions options,
        string? kept = null,
        GradientSum[]? sums = null
    )
    {
        var clip = new GradientClipWriter(update);
        var norm = options.GradientClip is null
            ? null
            : clip.AddNorm(
                gradients.Select(g => (g.Gradient, g.Parameter.Initial.Dims.ToArray())),
                options.Accumulation
            );
        var factor = clip.Factor(norm, options.GradientClip ?? 0, options.Accumulation);
        string[] scaled = [.. gradients.Select(g => clip.Scaled(g.Gradient, factor))];
        AdamSettings[] groups = [.. gradients.Select(g => g.Parameter.Settings).Distinct()];
        var adam = new AdamWriter(update.Graph);
        string[] rates = [.. groups.Select((_, i) => adam.AddRate($"learning_rate_{i}"))];
        var average = options.AverageDecay is null ? null : adam.AddAverageRate();
        return new(model, loss)
        {
            Update = update == model ? null : update,
            Options = options,
            Norm = norm,
            Groups = groups,
            RateInputs = rates,
            AverageRate = average,
            KeptSums = kept,
            Sums = sums ?? [],
            Parameters =
            [
                .. gradients.Select(
                    (g, i) =>
                        adam.AddUpdate(
                            g.Parameter,
                            scaled[i],
                            rates[Array.IndexOf(groups, g.Parameter.Settings)],
                            average
                        )
                ),
            ],
        };
    }

    private static OnnxModel UpdateModel(OnnxModel model, IReadOnlyList<GradientSum> sums)
    {
        var graph = new OnnxGraph { Name = $"{model.Graph.Name} update" };
        foreach (var sum in sums)
        {
            graph.Inputs.Add(new(sum.Parameter.Name, ElementType.Float, sum.Parameter.Initial.Shape));
            graph.Inputs.Add(new(sum.Before, ElementType.Float, sum.Parameter.Initial.Shape));
        }

        return new(graph) { IrVersion = model.IrVersion, Opset = model.Opset };
    }

    private static void AddInputs(OnnxGraph graph, IReadOnlyList<Parameter> parameters)
    {
        foreach (var parameter in parameters)
        {
            graph.Initializers.Remove(parameter.Name);
            if (!graph.Inputs.Exists(i => i.Name == parameter.Name))
            {
                graph.Inputs.Add(new(parameter.Name, ElementType.Float, parameter.Initial.Shape));
            }
        }
    }

    /// <summary>
    /// The parameters in the order in which the forward pass reads them. ONNX Runtime orders nodes from a graph's last
    /// output on, so that each gradient is used up as soon as the backward pass has come to it; the other way round all of
    /// them, and what they are made of, would wait until the first parameter's is there.
    /// </summary>
    private static Parameter[] InOrder(OnnxGraph graph, IReadOnlyList<Parameter> parameters)
    {
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (place, node) in graph.Nodes.Index())
        {
            foreach (var value in GraphChecker.Reads(node))
            {
                places.TryAdd(value, place);
            }
        }

        return [.. parameters.OrderBy(p => places.GetValueOrDefault(p.Name, int.MaxValue))];
    }
}
