using System.Text;

namespace DiffusionQuant.Onnx;

/// <summary>The value of a node's attribute.</summary>
public abstract record AttributeValue
{
    private AttributeValue() { }

    /// <summary>An integer.</summary>
    public sealed record Int(long Value) : AttributeValue;

    /// <summary>A float32.</summary>
    public sealed record Float(float Value) : AttributeValue;

    /// <summary>A string, as bytes.</summary>
    public sealed record Text(ReadOnlyMemory<byte> Utf8) : AttributeValue
    {
        /// <summary>The string.</summary>
        public string Value => Encoding.UTF8.GetString(Utf8.Span);
    }

    /// <summary>A tensor.</summary>
    public sealed record Tensor(OnnxTensor Value) : AttributeValue;

    /// <summary>A subgraph.</summary>
    public sealed record Graph(OnnxGraph Value) : AttributeValue;

    /// <summary>Integers.</summary>
    public sealed record Ints(IReadOnlyList<long> Values) : AttributeValue;

    /// <summary>Float32 numbers.</summary>
    public sealed record Floats(IReadOnlyList<float> Values) : AttributeValue;

    /// <summary>Strings, as bytes.</summary>
    public sealed record Texts(IReadOnlyList<ReadOnlyMemory<byte>> Utf8) : AttributeValue;

    /// <summary>Tensors.</summary>
    public sealed record Tensors(IReadOnlyList<OnnxTensor> Values) : AttributeValue;

    /// <summary>Subgraphs.</summary>
    public sealed record Graphs(IReadOnlyList<OnnxGraph> Values) : AttributeValue;

    /// <summary>A kind that is carried along but not looked into (types, sparse tensors, references in functions).</summary>
    public sealed record Opaque : AttributeValue
    {
        internal Opaque(Protos.AttributeProto source) => Source = source;

        internal Protos.AttributeProto Source { get; }
    }

    /// <summary>An integer attribute.</summary>
    public static implicit operator AttributeValue(long value) => new Int(value);

    /// <summary>A float attribute.</summary>
    public static implicit operator AttributeValue(float value) => new Float(value);

    /// <summary>A string attribute.</summary>
    public static implicit operator AttributeValue(string value) => new Text(Encoding.UTF8.GetBytes(value));

    /// <summary>An attribute of integers.</summary>
    public static implicit operator AttributeValue(long[] values) => new Ints(values);

    /// <summary>An attribute of floats.</summary>
    public static implicit operator AttributeValue(float[] values) => new Floats(values);

    /// <summary>A tensor attribute.</summary>
    public static implicit operator AttributeValue(OnnxTensor value) => new Tensor(value);
}
