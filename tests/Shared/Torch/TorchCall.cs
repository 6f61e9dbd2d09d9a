using DiffusionQuant.Onnx;
using Tensor = TorchSharp.torch.Tensor;

namespace DiffusionQuant.Tests.Shared;

/// <summary>A node with its inputs in PyTorch.</summary>
internal sealed class TorchCall(OnnxNode node, Tensor?[] inputs, long opset)
{
    public OnnxNode Node => node;

    public long Opset => opset;

    public Tensor X => inputs[0]!;

    public IEnumerable<Tensor> Inputs => inputs.OfType<Tensor>();

    public Tensor this[int input] => Find(input)!;

    public Tensor? Find(int input) => input < inputs.Length ? inputs[input] : null;

    public int Rank => (int)X.dim();

    public long Axis(long fallback, int? rank = null)
    {
        var axis = node.Int("axis", fallback);
        return axis < 0 ? axis + (rank ?? Rank) : axis;
    }

    /// <summary>Integers that old opsets have in an attribute and new ones in an input; null where neither is there.</summary>
    public long[]? Integers(string attribute, int input) =>
        node.Ints(attribute)?.ToArray() ?? Find(input)?.data<long>().ToArray();

    /// <summary>An attribute that is a list of as many numbers as there are spatial axes.</summary>
    public long[] Each(string attribute, long fallback) =>
        node.Ints(attribute)?.ToArray() ?? [.. Enumerable.Repeat(fallback, Rank - 2)];
}
