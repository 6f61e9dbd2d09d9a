namespace DiffusionQuant.Onnx.ShapeInference;

/// <summary>Walks one graph in order and collects the facts of its values.</summary>
internal sealed class GraphInference
{
    private readonly OnnxGraph graph;
    private readonly GraphInference? outer;
    private readonly bool believesFile;
    private readonly Func<TensorShape, TensorShape> bind;
    private readonly Dictionary<string, ValueFacts> facts = new(StringComparer.Ordinal);

    /// <param name="graph">The graph.</param>
    /// <param name="believesFile">Whether shapes in the file may fill gaps of inferred ones.</param>
    /// <param name="bind">Puts sizes in the place of symbols.</param>
    public GraphInference(OnnxGraph graph, bool believesFile, Func<TensorShape, TensorShape> bind)
    {
        this.graph = graph;
        this.believesFile = believesFile;
        this.bind = bind;
    }

    private GraphInference(OnnxGraph graph, GraphInference outer, bool writes)
        : this(graph, outer.believesFile, outer.bind)
    {
        this.outer = outer;
        Writes = writes && outer.Writes;
    }

    /// <summary>Whether findings hold for good and are written into subgraphs; false inside of trials.</summary>
    public bool Writes { get; } = true;

    public ValueFacts Find(string name)
    {
        if (facts.TryGetValue(name, out var known))
        {
            return known;
        }

        if (graph.Initializers.TryGetValue(name, out var tensor))
        {
            return facts[name] = ValueFacts.Of(tensor);
        }

        return outer?.Find(name) ?? ValueFacts.Nothing;
    }

    /// <summary>Infers the graph.</summary>
    /// <param name="inputs">Facts of its inputs.</param>
    /// <returns>Facts of its outputs.</returns>
    public IReadOnlyList<ValueFacts> Run(IEnumerable<ValueFacts> inputs)
    {
        foreach (var (info, given) in graph.Inputs.Zip(inputs))
        {
            facts[info.Name] = given;
        }

        foreach (var node in graph.Nodes)
        {
            Visit(node);
        }

        return [.. graph.Outputs.Select(o => Find(o.Name))];
    }

    /// <summary>Infers a subgraph of this graph.</summary>
    /// <param name="subgraph">The subgraph.</param>
    /// <param name="inputs">Facts of its inputs.</param>
    /// <param name="final">Whether what is found holds for good, and may be written into the subgraph's ValueInfos.</param>
    /// <returns>Facts of its outputs.</returns>
    public IReadOnlyList<ValueFacts> RunSubgraph(OnnxGraph subgraph, IReadOnlyList<ValueFacts> inputs, bool final)
    {
        var inference = new GraphInference(subgraph, this, final);
        var merged = subgraph.Inputs.Select(
            (info, i) => inference.Complete(i < inputs.Count ? inputs[i] : ValueFacts.Nothing, info)
        );
        var results = inference.Run(merged);
        if (inference.Writes)
        {
            inference.WriteInner();
        }

        return [.. results.Zip(subgraph.Outputs, inference.Complete)];
    }

    /// <summary>Writes the facts of inner values into the graph's ValueInfos.</summary>
    public void WriteInner()
    {
        var outputs = graph.Outputs.Select(o => o.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var name in graph.Nodes.SelectMany(n => n.Outputs).Where(n => n.Length > 0 && !outputs.Contains(n)))
        {
            Write(name);
        }
    }

    /// <summary>Writes the facts of one value into the graph's ValueInfos, if there are any.</summary>
    public void Write(string name)
    {
        var known = Find(name);
        if (known.Type == ElementType.Undefined && known.Shape is null)
        {
            return;
        }

        graph.ValueInfos[name] = graph.ValueInfos.TryGetValue(name, out var old)
            ? old with
            {
                ElementType = known.Type,
                Shape = known.Shape,
            }
            : new(name, known.Type, known.Shape);
    }

    private void Visit(OnnxNode node)
    {
        var inputs = node.Inputs.Select(n => n.Length == 0 ? ValueFacts.Nothing : Find(n)).ToArray();
        var context = new RuleContext(node, inputs, this);
        try
        {
            RuleTable.Instance.Find(node)?.Invoke(context);
        }
        catch (ShapeConflictException)
        {
            // What the rule did find out stays; the rest is unknown.
        }

        for (var i = 0; i < node.Outputs.Count; i++)
        {
            var name = node.Outputs[i];
            if (name.Length > 0)
            {
                var inferred = context.Outputs[i];
                facts[name] = graph.ValueInfos.TryGetValue(name, out var info) ? Complete(inferred, info) : inferred;
            }
        }
    }

    /// <summary>Facts, with what the file says about the value where they have gaps.</summary>
    private ValueFacts Complete(ValueFacts inferred, ValueInfo info)
    {
        var type = inferred.Type == ElementType.Undefined ? info.ElementType : inferred.Type;
        var shape =
            believesFile && info.Shape is { } declared
                ? ShapeArithmetic.Refine(inferred.Shape, bind(declared))
                : inferred.Shape;
        return new ValueFacts(type, shape, inferred.Elements).Checked();
    }
}
