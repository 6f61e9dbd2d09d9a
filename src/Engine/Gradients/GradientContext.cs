using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Gradients;

/// <summary>What a <see cref="GradientRule"/> sees: a node, the gradients of its outputs, and where those of its inputs go.</summary>
public sealed class GradientContext
{
    private readonly IReadOnlyList<string?> outputGradients;
    private readonly Func<string, bool> isMoving;
    private readonly Action<string, string> give;

    internal GradientContext(
        OnnxNode node,
        GradientWriter writer,
        IReadOnlyList<string?> outputGradients,
        Func<string, bool> isMoving,
        Action<string, string> give
    )
    {
        Node = node;
        Writer = writer;
        this.outputGradients = outputGradients;
        this.isMoving = isMoving;
        this.give = give;
    }

    /// <summary>The node to differentiate.</summary>
    public OnnxNode Node { get; }

    /// <summary>Writes nodes.</summary>
    public GradientWriter Writer { get; }

    /// <summary>The gradient of the first output, for rules of operators with one output.</summary>
    public string Gradient => outputGradients[0]!;

    /// <summary>The element type of the first output.</summary>
    public ElementType Type => Writer.TypeOf(Node.Outputs[0]);

    /// <summary>The sizes of the first output.</summary>
    public long[] OutputShape => Writer.ShapeOf(Node.Outputs[0]);

    /// <summary>The gradient of an output; null when the loss does not depend on it.</summary>
    public string? GradientOf(int output) => outputGradients[output];

    /// <summary>Whether the gradient of an input is wanted.</summary>
    public bool Needs(int input) => Node.Input(input) is { } name && isMoving(name);

    /// <summary>The sizes of an input.</summary>
    public long[] InputShape(int input) => Writer.ShapeOf(Node.Inputs[input]);

    /// <summary>A number of the node's element type.</summary>
    public string Number(double value) => Writer.Number(value, Type);

    /// <summary>Adds a node of one output.</summary>
    public string Op(string opType, params ReadOnlySpan<string> inputs) => Writer.Op(opType, inputs);

    /// <summary>Hands over a part of an input's gradient, which has the input's shape and type.</summary>
    public void Give(int input, string gradient)
    {
        if (Needs(input))
        {
            give(Node.Inputs[input], gradient);
        }
    }

    /// <summary>Hands over the first input's gradient for a function of elements.</summary>
    /// <param name="slope">The function's derivative.</param>
    public void GiveSlope(string slope) => Give(0, Op("Mul", Gradient, slope));

    /// <summary>Hands over a part of an input's gradient that has the output's shape, summing what broadcasting repeated.</summary>
    public void GiveBroadcast(int input, string gradient)
    {
        if (Needs(input))
        {
            Give(input, Writer.Unbroadcast(gradient, OutputShape, InputShape(input)));
        }
    }

    /// <summary>The failure of attributes that the rule does not support: DQ4032.</summary>
    /// <param name="what">What it does not support.</param>
    public Onnx.Diagnostics.DiffusionQuantException Unsupported(string what) => GradientErrors.NotSupported(Node, what);
}
