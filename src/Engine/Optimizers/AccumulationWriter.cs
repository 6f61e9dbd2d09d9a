using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Optimizers;

/// <summary>Writes the sums of gradients over the batches of a step.</summary>
internal sealed class AccumulationWriter
{
    private readonly OnnxGraph graph;
    private readonly GraphEditor editor;

    /// <summary>Adds the input that says whether earlier batches count: 0 for a step's first, and 1.</summary>
    public AccumulationWriter(OnnxGraph graph)
    {
        this.graph = graph;
        editor = new(graph);
        Kept = editor.Unique("kept_sums");
        graph.Inputs.Add(new(Kept, ElementType.Float, TensorShape.Scalar));
    }

    /// <summary>That input.</summary>
    public string Kept { get; }

    /// <summary>Adds the sum of a parameter's gradients.</summary>
    public GradientSum Add(Parameter parameter, string gradient)
    {
        var shape = parameter.Initial.Shape;
        var before = editor.Unique($"{parameter.Name}_sum");
        graph.Inputs.Add(new(before, ElementType.Float, shape));
        var kept = editor.Node("Mul", $"{before}_kept", [before, Kept]);
        var after = editor.Node("Add", $"{parameter.Name}_next_sum", [kept, gradient]);
        graph.Outputs.Add(new(after, ElementType.Float, shape));
        return new(parameter, before, after);
    }
}
