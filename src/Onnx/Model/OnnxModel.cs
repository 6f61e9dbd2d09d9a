using DiffusionQuant.Onnx.Protos;
using DiffusionQuant.Onnx.Serialization;

namespace DiffusionQuant.Onnx;

/// <summary>An ONNX model in memory: a graph and what surrounds it.</summary>
public sealed class OnnxModel
{
    /// <summary>Makes a model around a graph.</summary>
    public OnnxModel(OnnxGraph graph) => Graph = graph;

    /// <summary>The IR version; the lowest that its content needs is the most portable.</summary>
    public long IrVersion { get; set; } = 8;

    /// <summary>The opset of each domain; ONNX's own under the empty string.</summary>
    public Dictionary<string, long> Opsets { get; } = new(StringComparer.Ordinal);

    /// <summary>The opset of ONNX's own operators; 0 when the model imports none.</summary>
    public long Opset
    {
        get => Opsets.GetValueOrDefault("");
        set => Opsets[""] = value;
    }

    /// <summary>The exporter's name.</summary>
    public string ProducerName { get; set; } = "";

    /// <summary>The exporter's version.</summary>
    public string ProducerVersion { get; set; } = "";

    /// <summary>The model's domain.</summary>
    public string Domain { get; set; } = "";

    /// <summary>The model's version.</summary>
    public long ModelVersion { get; set; }

    /// <summary>Free text of the exporter.</summary>
    public string DocString { get; set; } = "";

    /// <summary>Key and value pairs.</summary>
    public List<KeyValuePair<string, string>> Metadata { get; } = [];

    /// <summary>The graph.</summary>
    public OnnxGraph Graph { get; private init; }

    /// <summary>The file it was read from, for messages; null for a model made in memory.</summary>
    public string? Path { get; internal init; }

    /// <summary>The files beside <see cref="Path"/> that hold its external data, as full paths.</summary>
    public IReadOnlyList<string> DataFiles { get; internal init; } = [];

    /// <summary>Model-local functions, carried along unchanged.</summary>
    internal List<FunctionProto> Functions { get; } = [];

    /// <summary>Whether the model calls functions that it defines itself.</summary>
    public bool HasFunctions => Functions.Count > 0;

    /// <summary>
    /// Reads a model. Its structure is checked (names, cycles, sizes of tensors), external data are mapped, not read.
    /// </summary>
    /// <param name="path">The <c>.onnx</c> file.</param>
    /// <exception cref="Diagnostics.DiffusionQuantException">DQ1001 to DQ1011: the file is missing, damaged or not supported.</exception>
    public static OnnxModel Load(string path) => OnnxReader.Read(path);

    /// <summary>Reads a model that has no external data.</summary>
    /// <param name="bytes">The file's content.</param>
    /// <param name="name">What to call it in messages.</param>
    public static OnnxModel Parse(ReadOnlyMemory<byte> bytes, string name = "model") => OnnxReader.Parse(bytes, name);

    /// <summary>Writes the model beside <paramref name="path"/> and renames it.</summary>
    /// <param name="path">The <c>.onnx</c> file.</param>
    /// <param name="options">Where weights go; by default inside the file until that would pass 1.9 GB.</param>
    public void Save(string path, SaveOptions? options = null) =>
        OnnxWriter.Write(this, path, options ?? SaveOptions.Default);

    /// <summary>The model as the bytes of a file without external data.</summary>
    /// <exception cref="Diagnostics.DiffusionQuantException">DQ1012: it is larger than a single file may be (2 GB).</exception>
    public byte[] ToBytes() => OnnxWriter.ToBytes(this);

    /// <summary>A copy with its own graph; tensors are shared.</summary>
    public OnnxModel Clone() => WithGraph(Graph.Clone());

    /// <summary>The same surroundings around another graph.</summary>
    public OnnxModel WithGraph(OnnxGraph graph)
    {
        var copy = new OnnxModel(graph)
        {
            IrVersion = IrVersion,
            ProducerName = ProducerName,
            ProducerVersion = ProducerVersion,
            Domain = Domain,
            ModelVersion = ModelVersion,
            DocString = DocString,
            Path = Path,
            DataFiles = DataFiles,
        };
        foreach (var (domain, version) in Opsets)
        {
            copy.Opsets[domain] = version;
        }

        copy.Metadata.AddRange(Metadata);
        copy.Functions.AddRange(Functions);
        return copy;
    }
}
