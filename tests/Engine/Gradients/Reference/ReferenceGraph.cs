using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Tests.Gradients.Reference;

/// <summary>What an operator computes, in plain loops over double precision.</summary>
internal delegate NdArray[] ReferenceOperator(ReferenceCall call);

/// <summary>
/// Runs graphs in double precision by ONNX's definitions, in the plainest way: nothing of the engine's arithmetic is in it,
/// so that both do not err alike.
/// </summary>
internal sealed class ReferenceGraph
{
    private static readonly ReferenceGraph Table = new();

    private readonly Dictionary<(string Domain, string OpType), ReferenceOperator> operators = [];

    private ReferenceGraph()
    {
        ElementwiseReference.AddTo(this);
        ActivationReference.AddTo(this);
        ReductionReference.AddTo(this);
        MatrixReference.AddTo(this);
        ConvolutionReference.AddTo(this);
        PoolingReference.AddTo(this);
        NormalizationReference.AddTo(this);
        MovementReference.AddTo(this);
        RearrangingReference.AddTo(this);
        IndexingReference.AddTo(this);
        ResizeReference.AddTo(this);
    }

    /// <summary>Adds an operator of one output.</summary>
    public void Add(string opType, Func<ReferenceCall, NdArray> run) => Add("", opType, c => [run(c)]);

    public void Add(string domain, string opType, ReferenceOperator run) => operators.Add((domain, opType), run);

    /// <summary>Runs a graph.</summary>
    /// <returns>All its values.</returns>
    public static Dictionary<string, NdArray> Run(
        OnnxGraph graph,
        long opset,
        IReadOnlyDictionary<string, NdArray> inputs
    )
    {
        var values = new Dictionary<string, NdArray>(inputs);
        foreach (var (name, tensor) in graph.Initializers)
        {
            values[name] = NdArray.Of(tensor);
        }

        foreach (var node in graph.Nodes)
        {
            var arguments = node.Inputs.Select(i => i.Length == 0 ? null : values[i]).ToArray();
            var results = Table.operators[(node.Domain, node.OpType)](new(node, arguments, opset));
            foreach (var (name, result) in node.Outputs.Zip(results))
            {
                values[name] = result;
            }
        }

        return values;
    }
}
