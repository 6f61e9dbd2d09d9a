namespace DiffusionQuant.Onnx.Building;

/// <summary>
/// Writes a graph down in code: values are handles, names come by themselves.
/// <code>
/// var b = new GraphBuilder("classifier", opset: 17);
/// var x = b.Input("image", ElementType.Float, "batch", 3, 32, 32);
/// var h = b.Op("Relu", b.Conv(x, b.Parameter("conv.weight", weight), b.Parameter("conv.bias", bias), pads: 1));
/// b.Output(b.Op("GlobalAveragePool", h), "features", ElementType.Float, "batch", 16, 1, 1);
/// OnnxModel model = b.Build();
/// </code>
/// More operators with their attributes stand in <see cref="OperatorCalls"/>; <see cref="Op(string, ReadOnlySpan{Value})"/>
/// calls any.
/// </summary>
public sealed class GraphBuilder
{
    private readonly NameSource names;
    private readonly Stack<string> scopes = new();

    /// <summary>Starts an empty graph.</summary>
    /// <param name="name">The graph's name.</param>
    /// <param name="opset">The opset of ONNX's own operators.</param>
    /// <param name="style">How nodes and values are named.</param>
    public GraphBuilder(string name = "main_graph", long opset = 17, NameStyle style = NameStyle.Scoped)
        : this(name, opset, new NameSource(style)) { }

    private GraphBuilder(string name, long opset, NameSource names)
    {
        Graph = new() { Name = name };
        Opset = opset;
        this.names = names;
    }

    /// <summary>The graph as it stands.</summary>
    public OnnxGraph Graph { get; }

    /// <summary>The opset of ONNX's own operators.</summary>
    public long Opset { get; }

    /// <summary>Opens a scope: nodes made until it is disposed have it in their names.</summary>
    /// <param name="name">A module's name; dots and slashes in it are kept.</param>
    public IDisposable Scope(string name)
    {
        scopes.Push($"{(scopes.TryPeek(out var outer) ? outer : "")}/{name}");
        return new ScopeEnd(scopes);
    }

    /// <summary>Adds an input.</summary>
    public Value Input(string name, ElementType type, params ReadOnlySpan<Dimension> shape)
    {
        Graph.Inputs.Add(new(names.Reserve(name), type, TensorShape.Create(shape)));
        return new(this, name);
    }

    /// <summary>Adds a weight under its module's name (numbered when taken).</summary>
    public Value Parameter(string name, OnnxTensor tensor)
    {
        var unique = names.Parameter(name);
        Graph.Add(tensor.WithName(unique));
        return new(this, unique);
    }

    /// <summary>Adds a weight that lost its name on the way, as exporters name constants that they computed.</summary>
    /// <param name="tensor">The elements.</param>
    /// <param name="reader">The operator type that will read it.</param>
    public Value AnonymousParameter(OnnxTensor tensor, string reader)
    {
        var name = names.Anonymous(reader);
        Graph.Add(tensor.WithName(name));
        return new(this, name);
    }

    /// <summary>Adds a small constant: a Constant node or an initializer, as the <see cref="NameStyle"/> has it.</summary>
    public Value Constant(OnnxTensor tensor) =>
        names.Style == NameStyle.Dynamo
            ? AnonymousParameter(tensor, "Constant")
            : Op("Constant", [], ("value", tensor.WithName("")));

    /// <summary>Adds a small constant of int64 numbers with one dimension.</summary>
    public Value Constant(params ReadOnlySpan<long> values) => Constant(OnnxTensor.Of("", values, values.Length));

    /// <summary>Adds a scalar int64 constant.</summary>
    public Value Scalar(long value) => Constant(OnnxTensor.Scalar("", value));

    /// <summary>Adds a scalar constant of a floating-point type.</summary>
    /// <param name="value">The number.</param>
    /// <param name="type">Float, float16 or double.</param>
    public Value Scalar(float value, ElementType type = ElementType.Float) =>
        Constant(
            type switch
            {
                ElementType.Float => OnnxTensor.Scalar("", value),
                ElementType.Float16 => new("", type, [], BitConverter.GetBytes((Half)value)),
                ElementType.Double => new("", type, [], BitConverter.GetBytes((double)value)),
                _ => throw new ArgumentException($"{type} is no type for a float constant.", nameof(type)),
            }
        );

    /// <summary>Appends a node with one output and no attributes; a null input is left out.</summary>
    public Value Op(string opType, params ReadOnlySpan<Value?> inputs) => Node(opType, inputs, 1, [], "")[0];

    /// <summary>Appends a node with one output; a null input is left out.</summary>
    public Value Op(
        string opType,
        ReadOnlySpan<Value?> inputs,
        params ReadOnlySpan<(string Name, AttributeValue Value)> attributes
    ) => Node(opType, inputs, 1, attributes, "")[0];

    /// <summary>Appends a node of any domain with any number of outputs; a null input is left out.</summary>
    /// <param name="opType">The operator.</param>
    /// <param name="inputs">What it reads.</param>
    /// <param name="outputs">How many values it makes.</param>
    /// <param name="attributes">Its attributes.</param>
    /// <param name="domain">Its domain; empty for ONNX's own. <see cref="Build"/> imports it in version 1.</param>
    /// <returns>The values that it makes.</returns>
    public IReadOnlyList<Value> Node(
        string opType,
        ReadOnlySpan<Value?> inputs,
        int outputs,
        ReadOnlySpan<(string Name, AttributeValue Value)> attributes,
        string domain = ""
    )
    {
        var name = names.Node(scopes.TryPeek(out var scope) ? scope : "", opType);
        var node = new OnnxNode(opType, [], [], name, domain);
        foreach (var input in inputs)
        {
            node.Inputs.Add(input?.Name ?? "");
        }

        for (var i = 0; i < outputs; i++)
        {
            node.Outputs.Add(names.Output(name, opType, i));
        }

        foreach (var (key, value) in attributes)
        {
            node.Attributes[key] = value;
        }

        Graph.Nodes.Add(node);
        return [.. node.Outputs.Select(o => new Value(this, o))];
    }

    /// <summary>A builder for a subgraph (a branch of If, the body of a Loop); it may read this one's values.</summary>
    /// <param name="name">The subgraph's name.</param>
    /// <returns>A builder whose <see cref="Graph"/> goes into an attribute.</returns>
    public GraphBuilder Subgraph(string name) => new(name, Opset, names);

    /// <summary>Makes a value an output. It takes the output's name; inputs, weights and outputs get an Identity in between.</summary>
    /// <param name="value">The value.</param>
    /// <param name="name">The output's name.</param>
    /// <param name="type">Its element type.</param>
    /// <param name="shape">Its shape.</param>
    public void Output(Value value, string name, ElementType type, params ReadOnlySpan<Dimension> shape) =>
        Output(value, new(name, type, TensorShape.Create(shape)));

    /// <summary>Makes a value an output. It takes the output's name; inputs, weights and outputs get an Identity in between.</summary>
    public void Output(Value value, ValueInfo info)
    {
        names.Reserve(info.Name);
        var made = Graph.Nodes.Exists(n => n.Outputs.Contains(value.Name));
        var source = made && !Graph.Outputs.Exists(o => o.Name == value.Name) ? value : Op("Identity", value);
        Graph.Rename(source.Name, info.Name);
        source.Name = info.Name;
        Graph.Outputs.Add(info);
    }

    /// <summary>The model around the graph.</summary>
    /// <exception cref="Diagnostics.DiffusionQuantException">DQ1008 to DQ1010: names do not fit together.</exception>
    public OnnxModel Build()
    {
        GraphChecker.Check(Graph, Graph.Name);
        var model = new OnnxModel(Graph) { Opset = Opset, IrVersion = IrVersionOf(Opset) };
        foreach (var domain in Domains(Graph).Where(d => d.Length > 0))
        {
            model.Opsets[domain] = 1;
        }

        return model;
    }

    private static IEnumerable<string> Domains(OnnxGraph graph) =>
        graph.Nodes.SelectMany(n => GraphChecker.Subgraphs(n).SelectMany(Domains).Append(n.Domain)).Distinct();

    /// <summary>The IR version of the ONNX release that brought an opset: what older readers of that opset accept.</summary>
    private static long IrVersionOf(long opset) =>
        opset switch
        {
            < 12 => 6,
            < 15 => 7,
            < 19 => 8,
            < 21 => 9,
            < 23 => 10,
            _ => 11,
        };

    private sealed class ScopeEnd(Stack<string> scopes) : IDisposable
    {
        public void Dispose() => scopes.Pop();
    }
}
