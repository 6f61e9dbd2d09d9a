using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Gradients;

/// <summary>What a <see cref="QuantizerOperators.FakeQuantize"/> computes on the way; its derivative reads these again.</summary>
internal static class FakeQuantization
{
    public const string ZeroPointAttribute = "zero_point";
    public const string MaxCodeAttribute = "max_code";
    public const string GradientScaleAttribute = "gradient_scale";

    /// <summary>The outputs behind the first: x/s, its rounding, and that within the codes.</summary>
    public static readonly string[] InnerNames = ["ratio", "rounded", "code"];

    public static string Ratio(OnnxNode node) => node.Outputs[1];

    public static string Rounded(OnnxNode node) => node.Outputs[2];

    public static string Code(OnnxNode node) => node.Outputs[3];

    public static void Lower(GraphEditor editor, OnnxNode node)
    {
        var (x, scale) = (node.Inputs[0], node.Inputs[1]);
        var zero = node.Int(ZeroPointAttribute);
        var least = Bound(-zero);
        var most = Bound(node.Int(MaxCodeAttribute) - zero);
        editor.Graph.Replace(
            node,
            New("Div", [x, scale], Ratio(node)),
            New("Round", [Ratio(node)], Rounded(node)),
            New("Clip", [Rounded(node), least, most], Code(node)),
            New("Mul", [Code(node), scale], node.Outputs[0])
        );

        string Bound(long code) => editor.Shared($"code_{code}", n => OnnxTensor.Scalar(n, (float)code));

        OnnxNode New(string opType, string[] inputs, string output) =>
            new(opType, inputs, [output], editor.Unique($"{node.Name}_{opType}"));
    }
}
