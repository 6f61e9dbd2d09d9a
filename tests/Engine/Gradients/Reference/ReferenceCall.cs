using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Tests.Gradients.Reference;

/// <summary>A node with the values of its inputs.</summary>
internal sealed class ReferenceCall(OnnxNode node, NdArray?[] inputs, long opset)
{
    public OnnxNode Node => node;

    public long Opset => opset;

    /// <summary>The first input.</summary>
    public NdArray X => inputs[0]!;

    public IEnumerable<NdArray> Inputs => inputs.OfType<NdArray>();

    public NdArray this[int input] => Find(input)!;

    public NdArray? Find(int input) => input < inputs.Length ? inputs[input] : null;

    public int Axis(int fallback, int? rank = null)
    {
        var axis = (int)node.Int("axis", fallback);
        return axis < 0 ? axis + (rank ?? X.Rank) : axis;
    }

    /// <summary>Integers that old opsets have in an attribute and new ones in an input; null where neither is there.</summary>
    public long[]? Integers(string attribute, int input) => node.Ints(attribute)?.ToArray() ?? Find(input)?.Integers;
}
