namespace DiffusionQuant.Onnx.ShapeInference;

/// <summary>What an operator's rule sees: a node, the facts of its inputs, and places for those of its outputs.</summary>
internal sealed class RuleContext(OnnxNode node, IReadOnlyList<ValueFacts> inputs, GraphInference graph)
{
    private readonly ValueFacts[] outputs = [.. node.Outputs.Select(_ => ValueFacts.Nothing)];

    public OnnxNode Node => node;

    /// <summary>Infers subgraphs.</summary>
    public GraphInference Graph => graph;

    public IReadOnlyList<ValueFacts> Outputs => outputs;

    public int InputCount => inputs.Count;

    public bool Has(int input) => node.Input(input) is not null;

    public ValueFacts Input(int index) => index < inputs.Count ? inputs[index] : ValueFacts.Nothing;

    public ElementType Type(int input) => Input(input).Type;

    public TensorShape? Shape(int input) => Input(input).Shape;

    public IReadOnlyList<Term>? Elements(int input) => Input(input).Elements;

    /// <summary>The integers of a constant input, or null when it is absent or any of them unknown.</summary>
    public long[]? Integers(int input)
    {
        var elements = Elements(input);
        return elements is not null && elements.All(e => e.Number is not null)
            ? [.. elements.Select(e => e.Integer!.Value)]
            : null;
    }

    /// <summary>Integers that stand in an attribute in old opsets and in an input in new ones.</summary>
    /// <param name="attribute">The attribute's name.</param>
    /// <param name="input">The input's index.</param>
    /// <param name="given">Whether they are given at all, known or not.</param>
    public long[]? Integers(string attribute, int input, out bool given)
    {
        var values = node.Ints(attribute);
        given = values is not null || Has(input);
        return values is not null ? [.. values] : Integers(input);
    }

    public void Set(int output, ElementType type, TensorShape? shape, IReadOnlyList<Term>? elements = null)
    {
        if (output < outputs.Length)
        {
            outputs[output] = new ValueFacts(type, shape, elements).Checked();
        }
    }

    /// <summary>An output like an input.</summary>
    public void SetLike(int output, int input) => Set(output, Type(input), Shape(input));

    /// <summary>The element type in an attribute, or another when it is absent.</summary>
    public ElementType TypeOf(string attribute, ElementType fallback) =>
        node.Int(attribute) is var type and > 0 and <= (long)ElementType.Int2 ? (ElementType)type : fallback;
}
