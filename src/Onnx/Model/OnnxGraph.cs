namespace DiffusionQuant.Onnx;

/// <summary>A graph of operator calls over named values.</summary>
public sealed class OnnxGraph
{
    /// <summary>The graph's name.</summary>
    public string Name { get; set; } = "";

    /// <summary>Free text of the exporter.</summary>
    public string DocString { get; set; } = "";

    /// <summary>The inputs, in order; without those that only repeat an initializer.</summary>
    public List<ValueInfo> Inputs { get; } = [];

    /// <summary>The outputs, in order.</summary>
    public List<ValueInfo> Outputs { get; } = [];

    /// <summary>The operator calls. Files are read in topological order, and edits keep it or call
    /// <see cref="TopologicalSort.SortTopologically"/>.</summary>
    public List<OnnxNode> Nodes { get; } = [];

    /// <summary>Constants by name, in file order.</summary>
    public OrderedDictionary<string, OnnxTensor> Initializers { get; } = new(StringComparer.Ordinal);

    /// <summary>Types and shapes of inner values, by name, where the file or inference gave them.</summary>
    public Dictionary<string, ValueInfo> ValueInfos { get; } = new(StringComparer.Ordinal);

    /// <summary>Key and value pairs of the exporter.</summary>
    public List<KeyValuePair<string, string>> Metadata { get; } = [];

    /// <summary>Adds or replaces a constant under its own name.</summary>
    public void Add(OnnxTensor initializer) => Initializers[initializer.Name] = initializer;

    /// <summary>What is known of a value: from inputs, outputs, initializers or <see cref="ValueInfos"/>.</summary>
    public ValueInfo? Find(string value) =>
        ValueInfos.TryGetValue(value, out var info) ? info
        : Initializers.TryGetValue(value, out var tensor) ? new(value, tensor.ElementType, tensor.Shape)
        : Inputs.Find(i => i.Name == value) ?? Outputs.Find(o => o.Name == value);

    /// <summary>A copy with its own lists and nodes; tensors are shared.</summary>
    public OnnxGraph Clone()
    {
        var copy = new OnnxGraph { Name = Name, DocString = DocString };
        copy.Inputs.AddRange(Inputs);
        copy.Outputs.AddRange(Outputs);
        copy.Nodes.AddRange(Nodes.Select(n => n.Clone()));
        copy.Metadata.AddRange(Metadata);
        foreach (var (key, value) in Initializers)
        {
            copy.Initializers.Add(key, value);
        }

        foreach (var (key, value) in ValueInfos)
        {
            copy.ValueInfos[key] = value;
        }

        return copy;
    }
}
