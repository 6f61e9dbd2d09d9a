using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Optimizers;

/// <summary>
/// Writes Adam's update as nodes:
/// m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², p ← p·(1 − η·d) − η·c₁·m / (√(c₂·v) + ε) with c₁ = 1/(1−β₁ᵗ), c₂ = 1/(1−β₂ᵗ).
/// </summary>
internal sealed class AdamWriter(OnnxGraph graph)
{
    private readonly GraphEditor editor = new(graph);

    /// <summary>Adds the input of a group's rate: the vector (η·c₁, c₂, η).</summary>
    public string AddRate(string wanted)
    {
        var name = editor.Unique(wanted);
        graph.Inputs.Add(new(name, ElementType.Float, TensorShape.Of(3)));
        return name;
    }

    /// <summary>Adds the update of a parameter.</summary>
    public TrainedParameter AddUpdate(Parameter parameter, string gradient, string rate)
    {
        var (name, settings) = (parameter.Name, parameter.Settings);
        var mean = Input($"{name}_mean", parameter);
        var square = Input($"{name}_square", parameter);
        var nextMean = Mix(mean, gradient, settings.Beta1, $"{name}_next_mean");
        var squared = editor.Node("Mul", $"{name}_squared", [gradient, gradient]);
        var nextSquare = Mix(square, squared, settings.Beta2, $"{name}_next_square");
        var corrected = editor.Node("Mul", $"{name}_corrected", [nextSquare, Entry(rate, 1)]);
        var root = editor.Node("Sqrt", $"{name}_root", [corrected]);
        var divisor = editor.Node("Add", $"{name}_divisor", [root, Number(settings.Epsilon)]);
        var step = editor.Node("Mul", $"{name}_step", [nextMean, Entry(rate, 0)]);
        var change = editor.Node("Div", $"{name}_change", [step, divisor]);
        var kept = name;
        if (settings.WeightDecay != 0)
        {
            var decay = editor.Node("Mul", $"{name}_decay", [Entry(rate, 2), Number(settings.WeightDecay)]);
            kept = editor.Node("Sub", $"{name}_decayed", [name, editor.Node("Mul", $"{name}_lost", [name, decay])]);
        }

        var next = editor.Node("Sub", $"{name}_next", [kept, change]);
        if (settings.LeastValue is { } least)
        {
            next = editor.Node("Max", $"{name}_bounded", [next, Number(least)]);
        }

        foreach (var output in (string[])[next, nextMean, nextSquare])
        {
            graph.Outputs.Add(new(output, ElementType.Float, parameter.Initial.Shape));
        }

        return new(parameter, mean, square, next, nextMean, nextSquare);
    }

    private string Input(string wanted, Parameter parameter)
    {
        var name = editor.Unique(wanted);
        graph.Inputs.Add(new(name, ElementType.Float, parameter.Initial.Shape));
        return name;
    }

    private string Mix(string moment, string value, float beta, string wanted) =>
        editor.Node(
            "Add",
            wanted,
            [
                editor.Node("Mul", $"{wanted}_kept", [moment, Number(beta)]),
                editor.Node("Mul", $"{wanted}_new", [value, Number(1 - beta)]),
            ]
        );

    private readonly Dictionary<(string, int), string> entries = [];

    private string Entry(string rate, int index)
    {
        if (!entries.TryGetValue((rate, index), out var name))
        {
            var place = editor.Shared($"int64_scalar_{index}", n => OnnxTensor.Scalar(n, (long)index));
            entries[(rate, index)] = name = editor.Node("Gather", $"{rate}_{index}", [rate, place]);
        }

        return name;
    }

    private string Number(float value) => editor.Shared($"adam_{value:R}", n => OnnxTensor.Scalar(n, value));
}
