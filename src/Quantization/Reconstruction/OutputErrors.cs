using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>
/// The squared error of a layer's output, <c>Σ_rows (x·w − x̂·ŵ)²</c>, for each output channel and several candidates ŵ of its
/// weights at once.
/// </summary>
internal sealed class OutputErrors : IDisposable
{
    private readonly ModelSession session;
    private readonly int candidates;

    /// <summary>Loads the arithmetic.</summary>
    /// <param name="candidates">How many candidates each channel has.</param>
    /// <param name="settings">Device and threads.</param>
    public OutputErrors(int candidates, SessionSettings settings)
    {
        this.candidates = candidates;
        var graph = new OnnxGraph { Name = "output_errors" };
        foreach (var input in (string[])["x", "xq", "w", "wq"])
        {
            graph.Inputs.Add(new(input, ElementType.Float, new([$"{input}_rows", "columns"])));
        }

        graph.Outputs.Add(new("errors", ElementType.Float, null));
        var editor = new GraphEditor(graph);
        var exact = editor.Node("Gemm", "y", ["x", "w"], ("transB", 1L));
        var repeated = editor.Node("Concat", "y_repeated", Enumerable.Repeat(exact, candidates), ("axis", 1L));
        var quantized = editor.Node("Gemm", "yq", ["xq", "wq"], ("transB", 1L));
        var difference = editor.Node("Sub", "difference", [repeated, quantized]);
        var squares = editor.Node("Mul", "squares", [difference, difference]);
        editor.NodeTo("errors", "ReduceSum", [squares, editor.Integers(0)], ("keepdims", 0L));
        session = ModelSession.Load(new OnnxModel(graph) { Opset = 13 }, settings);
    }

    /// <summary>The errors.</summary>
    /// <param name="rows">x: rows that the layer reads.</param>
    /// <param name="quantizedRows">x̂: the same rows as the quantized layer reads them.</param>
    /// <param name="weights">w: the weights of each channel, as many as a row has elements.</param>
    /// <param name="quantized">ŵ: for each candidate the weights of each channel.</param>
    /// <returns>For each candidate the error of each channel.</returns>
    public float[][] Of(float[] rows, float[] quantizedRows, float[][] weights, IReadOnlyList<float[][]> quantized)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(quantized.Count, candidates);
        var columns = weights[0].Length;
        using var x = Tensors.Of(rows, rows.Length / columns, columns);
        using var xq = Tensors.Of(quantizedRows, rows.Length / columns, columns);
        using var w = Tensors.Of(Joined(weights), weights.Length, columns);
        using var wq = Tensors.Of(Joined([.. quantized.SelectMany(c => c)]), candidates * weights.Length, columns);
        var inputs = new Dictionary<string, OrtValue>
        {
            ["x"] = x,
            ["xq"] = xq,
            ["w"] = w,
            ["wq"] = wq,
        };
        using var outputs = session.Run(inputs);
        return [.. Tensors.ToFloats(outputs["errors"]).Chunk(weights.Length)];
    }

    /// <inheritdoc/>
    public void Dispose() => session.Dispose();

    private static float[] Joined(float[][] channels)
    {
        var result = new float[channels.Length * channels[0].Length];
        for (var i = 0; i < channels.Length; i++)
        {
            channels[i].CopyTo(result, i * channels[i].Length);
        }

        return result;
    }
}
