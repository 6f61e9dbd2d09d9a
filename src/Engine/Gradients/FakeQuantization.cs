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
        var nodes = new List<OnnxNode>
        {
            New("Div", [x, scale], Ratio(node)),
            New("Round", [Ratio(node)], Rounded(node)),
        };
        var (least, most) = node.Input(2) is { } zero ? ComputedBounds(zero) : ConstantBounds();
        nodes.AddRange(
            node.Input(3) is null
                ? [New("Clip", [Rounded(node), least, most], Code(node))]
                : Within([Rounded(node), least, most])
        );
        nodes.Add(New("Mul", [Code(node), scale], node.Outputs[0]));
        editor.Graph.Replace(node, [.. nodes]);

        (string, string) ConstantBounds()
        {
            var zero = node.Int(ZeroPointAttribute);
            return (Bound(-zero), Bound(node.Int(MaxCodeAttribute) - zero));
        }

        (string, string) ComputedBounds(string zero)
        {
            var rounded = editor.Unique($"{zero}_rounded");
            var least = editor.Unique($"{zero}_least");
            var most = editor.Unique($"{zero}_most");
            nodes.Add(New("Round", [zero], rounded));
            nodes.Add(New("Neg", [rounded], least));
            nodes.Add(New("Sub", [node.Input(3) ?? Bound(node.Int(MaxCodeAttribute)), rounded], most));
            return (least, most);
        }

        // Clip takes one bound for all elements only.
        OnnxNode[] Within(string[] bounds)
        {
            var raised = editor.Unique($"{Rounded(node)}_raised");
            return [New("Max", [bounds[0], bounds[1]], raised), New("Min", [raised, bounds[2]], Code(node))];
        }

        string Bound(long code) => editor.Shared($"code_{code}", n => OnnxTensor.Scalar(n, (float)code));

        OnnxNode New(string opType, string[] inputs, string output) =>
            new(opType, inputs, [output], editor.Unique($"{node.Name}_{opType}"));
    }
}
