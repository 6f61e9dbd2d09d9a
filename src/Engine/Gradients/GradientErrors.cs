using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Engine.Gradients;

/// <summary>The failures of differentiation: codes DQ4030 to DQ4039.</summary>
internal static class GradientErrors
{
    /// <param name="node">The node.</param>
    /// <param name="captured">What a subgraph of it reads from the graph around it and is to be tuned.</param>
    [Diagnostic("DQ4030")]
    public static DiffusionQuantException NoRule(OnnxNode node, string? captured) =>
        new(
            "DQ4030",
            $"The operator {OperatorOf(node)} at node '{node.DisplayName}'{(captured is null ? "" : $", whose subgraph reads '{captured}',")} has no derivative here, so what lies before it cannot be tuned. Choose a method without gradients (gptq, mse), leave the layers of its block out by a rule, or export the model without this operator."
        );

    [Diagnostic("DQ4031")]
    public static DiffusionQuantException ShapeUnknown(string value, string? shape) =>
        new(
            "DQ4031",
            $"The shape of '{value}' is {shape ?? "not known"}, but derivatives need all sizes. Give the sizes of symbolic dimensions (--dimension height=64), or choose a method without gradients (gptq, mse)."
        );

    [Diagnostic("DQ4032")]
    public static DiffusionQuantException NotSupported(OnnxNode node, string what) =>
        new(
            "DQ4032",
            $"The derivative of {OperatorOf(node)} at node '{node.DisplayName}' does not support {what}. Choose a method without gradients (gptq, mse), leave the layers of its block out by a rule, or export the model differently."
        );

    private static string OperatorOf(OnnxNode node) =>
        node.Domain.Length == 0 ? node.OpType : $"{node.Domain}.{node.OpType}";
}
