namespace DiffusionQuant.Onnx;

/// <summary>One operator call. An empty input or output name means that the optional argument is left out.</summary>
public sealed class OnnxNode
{
    /// <summary>Makes a node.</summary>
    /// <param name="opType">The operator, <c>Conv</c> for instance.</param>
    /// <param name="inputs">Names of the values it reads.</param>
    /// <param name="outputs">Names of the values it makes.</param>
    /// <param name="name">The node's name; may be empty.</param>
    /// <param name="domain">The operator's domain; empty for ONNX's own.</param>
    public OnnxNode(
        string opType,
        IEnumerable<string> inputs,
        IEnumerable<string> outputs,
        string name = "",
        string domain = ""
    )
    {
        OpType = opType;
        Inputs = [.. inputs];
        Outputs = [.. outputs];
        Name = name;
        Domain = domain == "ai.onnx" ? "" : domain;
    }

    /// <summary>The operator.</summary>
    public string OpType { get; set; }

    /// <summary>The operator's domain; empty for ONNX's own (<c>ai.onnx</c> is read as empty).</summary>
    public string Domain { get; set; }

    /// <summary>The node's name; may be empty, and need not be unique in files of some exporters.</summary>
    public string Name { get; set; }

    /// <summary>Which overload of a model-local function is called; empty in nearly all files.</summary>
    public string Overload { get; set; } = "";

    /// <summary>Names of the values it reads, in the operator's order.</summary>
    public List<string> Inputs { get; }

    /// <summary>Names of the values it makes, in the operator's order.</summary>
    public List<string> Outputs { get; }

    /// <summary>Attributes by name.</summary>
    public Dictionary<string, AttributeValue> Attributes { get; } = new(StringComparer.Ordinal);

    /// <summary>Free text of the exporter.</summary>
    public string DocString { get; set; } = "";

    /// <summary>Key and value pairs of the exporter.</summary>
    public List<KeyValuePair<string, string>> Metadata { get; } = [];

    /// <summary>Whether this is the ONNX operator of that name (not another domain's).</summary>
    public bool Is(string opType) => Domain.Length == 0 && OpType == opType;

    /// <summary>The name of an input, or null when it is left out.</summary>
    public string? Input(int index) => index < Inputs.Count && Inputs[index].Length > 0 ? Inputs[index] : null;

    /// <summary>An integer attribute, or the operator's default.</summary>
    public long Int(string name, long fallback = 0) =>
        Attributes.TryGetValue(name, out var value) && value is AttributeValue.Int i ? i.Value : fallback;

    /// <summary>A float attribute, or the operator's default.</summary>
    public float Float(string name, float fallback = 0) =>
        Attributes.TryGetValue(name, out var value) && value is AttributeValue.Float f ? f.Value : fallback;

    /// <summary>A string attribute, or the operator's default.</summary>
    public string Text(string name, string fallback = "") =>
        Attributes.TryGetValue(name, out var value) && value is AttributeValue.Text t ? t.Value : fallback;

    /// <summary>An attribute of integers, or null when it is absent.</summary>
    public IReadOnlyList<long>? Ints(string name) =>
        Attributes.TryGetValue(name, out var value) && value is AttributeValue.Ints v ? v.Values : null;

    /// <summary>The node's name, or its operator and first output when it has none: for messages.</summary>
    public string DisplayName => Name.Length > 0 ? Name : $"{OpType} -> {Outputs.Find(o => o.Length > 0) ?? "nothing"}";

    /// <summary>A copy with its own lists and subgraphs; tensors are shared.</summary>
    public OnnxNode Clone()
    {
        var copy = new OnnxNode(OpType, Inputs, Outputs, Name, Domain) { DocString = DocString, Overload = Overload };
        foreach (var (key, value) in Attributes)
        {
            copy.Attributes[key] = value switch
            {
                AttributeValue.Graph g => new AttributeValue.Graph(g.Value.Clone()),
                AttributeValue.Graphs g => new AttributeValue.Graphs([.. g.Values.Select(v => v.Clone())]),
                _ => value,
            };
        }

        copy.Metadata.AddRange(Metadata);
        return copy;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{string.Join(", ", Outputs)} = {OpType}({string.Join(", ", Inputs)})";
}
