using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Engine.Tests.Gradients.Forms;

/// <summary>Writes an operator's call with attributes, shapes and numbers that it draws.</summary>
/// <param name="OpType">The operator whose derivative is tried.</param>
/// <param name="Write">Writes the call and returns what the loss depends on.</param>
internal sealed record GradientForm(string OpType, Func<Trial, Value[]> Write)
{
    public GradientForm(string opType, Func<Trial, Value> write)
        : this(opType, t => [write(t)]) { }

    /// <summary>The operator's domain.</summary>
    public string Domain { get; init; } = "";

    /// <summary>The first opset that has the operator, or ONNX Runtime's kernel of it.</summary>
    public long Opset { get; init; } = 13;

    /// <summary>What tells several forms of one operator apart.</summary>
    public string Variant { get; init; } = "";

    public string Name => string.Join(' ', new[] { Domain, OpType, Variant }.Where(p => p.Length > 0));

    public static IReadOnlyList<GradientForm> All { get; } =
    [
        .. ArithmeticForms.All,
        .. TrigonometricForms.All,
        .. ActivationForms.All,
        .. ReductionForms.All,
        .. MatrixForms.All,
        .. ConvolutionForms.All,
        .. PoolingForms.All,
        .. NormalizationForms.All,
        .. MovementForms.All,
        .. RearrangingForms.All,
        .. IndexingForms.All,
        .. ResizeForms.All,
    ];
}
