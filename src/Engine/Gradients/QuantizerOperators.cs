using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Gradients;

/// <summary>
/// Operators of the simulation that have a derivative of their own. They stand for a few standard operators each, into
/// which <see cref="Lower"/> turns them before a graph runs.
/// </summary>
public static class QuantizerOperators
{
    /// <summary>Their domain.</summary>
    public const string Domain = "diffusionquant";

    /// <summary>
    /// Fake quantization with a learned step size (Esser et al. 2020, "Learned Step Size Quantization"):
    /// x̂ = s · clip(round(x / s), −z, n − z) with the integer zero point z and the highest code n. Its derivative is 1 for x
    /// inside the range; for s it is round(x/s) − x/s inside, and the bound outside, times <c>gradient_scale</c>. z and n are
    /// attributes, or inputs behind s; z is then any number, taken rounded, and has the derivative 0 inside and −s outside.
    /// </summary>
    public const string FakeQuantize = nameof(FakeQuantize);

    /// <summary>The value itself, as a constant to derivatives.</summary>
    public const string StopGradient = nameof(StopGradient);

    /// <summary>Adds a <see cref="FakeQuantize"/>.</summary>
    /// <param name="editor">The graph.</param>
    /// <param name="x">The value.</param>
    /// <param name="scale">The step s: a scalar, or a shape that broadcasts over x.</param>
    /// <param name="zeroPoint">The code z that stands for zero.</param>
    /// <param name="maxCode">The highest code n.</param>
    /// <param name="gradientScale">A factor on the step's gradient; LSQ takes 1/√(N·n) for N elements.</param>
    /// <param name="output">The result's name; null for one that comes of x's.</param>
    /// <returns>The result's name.</returns>
    public static string AddFakeQuantize(
        GraphEditor editor,
        string x,
        string scale,
        int zeroPoint,
        int maxCode,
        float gradientScale = 1,
        string? output = null
    )
    {
        output ??= editor.Unique($"{x}_quantized");
        var node = new OnnxNode(
            FakeQuantize,
            [x, scale],
            [output, .. FakeQuantization.InnerNames.Select(n => editor.Unique($"{x}_{n}"))],
            editor.Unique($"{x}_fake_quantize"),
            Domain
        );
        node.Attributes[FakeQuantization.ZeroPointAttribute] = (long)zeroPoint;
        node.Attributes[FakeQuantization.MaxCodeAttribute] = (long)maxCode;
        node.Attributes[FakeQuantization.GradientScaleAttribute] = gradientScale;
        editor.Graph.Nodes.Add(node);
        return output;
    }

    /// <summary>Adds a <see cref="FakeQuantize"/> whose zero point is learned too, or that has another range of codes in
    /// each channel.</summary>
    /// <param name="editor">The graph.</param>
    /// <param name="x">The value.</param>
    /// <param name="scale">The step s: a scalar, or a shape that broadcasts over x.</param>
    /// <param name="zeroPoint">The zero point z before rounding, float32: a scalar, or with
    /// <paramref name="maxCodes"/> a shape that broadcasts over x.</param>
    /// <param name="maxCode">The highest code n, where <paramref name="maxCodes"/> is null.</param>
    /// <param name="maxCodes">The highest codes, float32, of a shape that broadcasts over x; null for one code.</param>
    /// <param name="gradientScale">A factor on the step's gradient.</param>
    /// <param name="output">The result's name; null for one that comes of x's.</param>
    /// <returns>The result's name.</returns>
    public static string AddFakeQuantizeWithZeroPoint(
        GraphEditor editor,
        string x,
        string scale,
        string zeroPoint,
        int maxCode,
        string? maxCodes = null,
        float gradientScale = 1,
        string? output = null
    )
    {
        output = AddFakeQuantize(editor, x, scale, 0, maxCode, gradientScale, output);
        editor.Graph.Nodes[^1].Inputs.AddRange(maxCodes is null ? [zeroPoint] : [zeroPoint, maxCodes]);
        return output;
    }

    /// <summary>
    /// Adds a fake quantization with a learned step and a learned offset β (Bhalgat et al. 2020, "LSQ+"):
    /// x̂ = FakeQuantize(x − β) + β, so that β's derivative is 0 inside the range and 1 outside.
    /// </summary>
    /// <inheritdoc cref="AddFakeQuantize"/>
    /// <param name="editor">The graph.</param>
    /// <param name="x">The value.</param>
    /// <param name="scale">The step s.</param>
    /// <param name="offset">The offset β, a scalar.</param>
    /// <param name="lowestCode">The lowest multiple of s, 0 or negative.</param>
    /// <param name="highestCode">The highest multiple of s.</param>
    /// <param name="gradientScale">A factor on the step's gradient.</param>
    public static string AddFakeQuantizeWithOffset(
        GraphEditor editor,
        string x,
        string scale,
        string offset,
        int lowestCode,
        int highestCode,
        float gradientScale = 1
    )
    {
        var centred = editor.Node("Sub", $"{x}_centred", [x, offset]);
        var quantized = AddFakeQuantize(editor, centred, scale, -lowestCode, highestCode - lowestCode, gradientScale);
        return editor.Node("Add", $"{x}_quantized", [quantized, offset]);
    }

    /// <summary>Adds a <see cref="StopGradient"/>.</summary>
    /// <returns>The result's name.</returns>
    public static string AddStopGradient(GraphEditor editor, string x)
    {
        var output = editor.Unique($"{x}_stopped");
        editor.Graph.Nodes.Add(new(StopGradient, [x], [output], output, Domain));
        return output;
    }

    /// <summary>Replaces these operators by standard ones; the graph stays in topological order.</summary>
    public static void Lower(OnnxModel model)
    {
        var graph = model.Graph;
        var editor = new GraphEditor(graph);
        foreach (var node in graph.Nodes.Where(n => n.Domain == Domain).ToArray())
        {
            if (node.OpType == FakeQuantize)
            {
                FakeQuantization.Lower(editor, node);
            }
            else
            {
                graph.Replace(node, new OnnxNode("Identity", node.Inputs, node.Outputs, node.Name));
            }
        }

        graph.RemoveUnused();
    }
}
