namespace DiffusionQuant.Onnx.ShapeInference;

/// <summary>Sizes that shape inference may take for granted. The graph's own inputs and outputs stay as they are.</summary>
public sealed record ShapeInferenceOptions
{
    /// <summary>Sizes of symbolic dimensions by symbol: <c>batch</c> → 2.</summary>
    public IReadOnlyDictionary<string, long> Symbols { get; init; } = new Dictionary<string, long>();

    /// <summary>Whole shapes of inputs by name. A symbol that the file has in such a place takes the size everywhere.</summary>
    public IReadOnlyDictionary<string, TensorShape> Inputs { get; init; } = new Dictionary<string, TensorShape>();
}
