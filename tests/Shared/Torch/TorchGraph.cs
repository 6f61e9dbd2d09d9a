using System.Runtime.InteropServices;
using DiffusionQuant.Onnx;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace DiffusionQuant.Tests.Shared;

/// <summary>An ONNX graph computed by PyTorch's operators, node by node, so that PyTorch differentiates it.</summary>
internal sealed class TorchGraph
{
    private readonly OnnxGraph graph;
    private readonly long opset;
    private readonly TorchFusion fusion;

    /// <summary>Takes a graph; no node of it has a subgraph.</summary>
    public TorchGraph(OnnxGraph graph, long opset)
    {
        this.graph = graph.Clone();
        this.graph.ConstantsToInitializers();
        this.opset = opset;
        fusion = new(this.graph);
    }

    /// <summary>Computes a value.</summary>
    /// <param name="inputs">The graph's inputs.</param>
    /// <param name="output">The value.</param>
    /// <exception cref="NotSupportedException">PyTorch has no counterpart of a node.</exception>
    public Tensor Run(IReadOnlyDictionary<string, Tensor> inputs, string output)
    {
        var values = new Dictionary<string, Tensor>(inputs, StringComparer.Ordinal);
        foreach (var (name, tensor) in graph.Initializers)
        {
            values.TryAdd(name, Of(tensor));
        }

        foreach (var node in graph.Nodes)
        {
            if (fusion.Run(node, values))
            {
                continue;
            }

            var arguments = node.Inputs.Select(i => i.Length == 0 ? null : values[i]).ToArray();
            foreach (var (name, result) in node.Outputs.Zip(TorchOperators.Run(new(node, arguments, opset))))
            {
                values[name] = result;
            }
        }

        return values[output];
    }

    /// <summary>Computes a loss and its gradients.</summary>
    /// <param name="inputs">The graph's inputs.</param>
    /// <param name="loss">The loss' name.</param>
    /// <param name="wanted">The inputs whose gradients are wanted.</param>
    public (float Loss, IReadOnlyDictionary<string, float[]> Gradients) Differentiate(
        IReadOnlyDictionary<string, OnnxTensor> inputs,
        string loss,
        IReadOnlyList<string> wanted
    )
    {
        using var scope = torch.NewDisposeScope();
        var tensors = inputs.ToDictionary(i => i.Key, i => Of(i.Value));
        foreach (var name in wanted)
        {
            tensors[name].requires_grad_();
        }

        var result = Run(tensors, loss);
        result.backward();
        return (
            result.item<float>(),
            wanted.ToDictionary(
                w => w,
                // What the loss does not depend on has no gradient.
                w => tensors[w].grad is { } gradient ? Floats(gradient) : new float[tensors[w].numel()]
            )
        );
    }

    /// <summary>A copy of a tensor's elements.</summary>
    public static float[] Floats(Tensor tensor) => tensor.detach().contiguous().data<float>().ToArray();

    /// <summary>A constant as PyTorch's tensor.</summary>
    public static Tensor Of(OnnxTensor tensor)
    {
        long[] dims = [.. tensor.Dims];
        var bytes = tensor.Data.Span;
        return tensor.ElementType switch
        {
            ElementType.Float => torch.tensor(tensor.ToFloats().ToArray(), dims),
            ElementType.Int64 => torch.tensor(MemoryMarshal.Cast<byte, long>(bytes).ToArray(), dims),
            ElementType.Bool => torch.tensor(Array.ConvertAll(bytes.ToArray(), b => b != 0), dims),
            _ => throw new NotSupportedException($"a constant of {tensor.ElementType}"),
        };
    }
}
