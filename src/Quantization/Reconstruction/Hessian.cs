using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>Adds up XᵀX of the rows that a layer sees, one matrix per group of channels.</summary>
/// <param name="inputs">How the layer takes rows.</param>
/// <param name="total">How many rows there will be in all; more than are needed are thinned out evenly.</param>
/// <param name="product">From <see cref="LoadProduct"/>.</param>
internal sealed class Hessian(LayerInputs inputs, long total, ModelSession product)
{
    /// <summary>Rows per unknown, above which more of them change little.</summary>
    private const long RowsPerColumn = 24;

    private readonly int every = (int)Math.Max(total / (RowsPerColumn * inputs.Columns), 1);
    private readonly double[][] sums =
    [
        .. Enumerable.Range(0, inputs.Groups).Select(_ => new double[inputs.Columns * inputs.Columns]),
    ];

    /// <summary>XᵀX of a group.</summary>
    public double[] Of(int group) => sums[group];

    /// <summary>A session that multiplies a matrix's transpose with the matrix.</summary>
    public static ModelSession LoadProduct(SessionSettings settings)
    {
        var graph = new OnnxGraph { Name = "product" };
        graph.Inputs.Add(new("x", ElementType.Float, new(["rows", "columns"])));
        graph.Outputs.Add(new("y", ElementType.Float, null));
        var node = new OnnxNode("Gemm", ["x", "x"], ["y"], "product");
        node.Attributes["transA"] = 1L;
        graph.Nodes.Add(node);
        return ModelSession.Load(new OnnxModel(graph) { Opset = 13 }, settings);
    }

    /// <summary>Adds an input of the layer.</summary>
    public void Add(ReadOnlySpan<float> values, long[] dims)
    {
        for (var group = 0; group < inputs.Groups; group++)
        {
            var rows = inputs.Rows(values, dims, group, every);
            using var x = Tensors.Of(rows, rows.Length / inputs.Columns, inputs.Columns);
            using var outputs = product.Run(new Dictionary<string, Microsoft.ML.OnnxRuntime.OrtValue> { ["x"] = x });
            var part = Tensors.ToFloats(outputs["y"]);
            var sum = sums[group];
            for (var i = 0; i < sum.Length; i++)
            {
                sum[i] += part[i];
            }
        }
    }
}
