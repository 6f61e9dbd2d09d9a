using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Optimizers;

/// <summary>
/// Writes Adam's update as nodes. With the moments m' = m/(1−β₁) and v' = v/(1−β₂) it takes fewest passes over memory:
/// m' ← β₁m' + g, v' ← β₂v' + g², p ← p·(1 − η·d) − r·m' / (√v' + e), where r = η·(1−β₁)/(1−β₁ᵗ)/q, e = ε/q and
/// q = √((1−β₂)/(1−β₂ᵗ)).
/// </summary>
internal sealed class AdamWriter(OnnxGraph graph)
{
    private readonly GraphEditor editor = new(graph);

    /// <summary>Adds the input of a group's rate: the vector (r, e, η).</summary>
    public string AddRate(string wanted)
    {
        var name = editor.Unique(wanted);
        graph.Inputs.Add(new(name, ElementType.Float, TensorShape.Of(3)));
        return name;
    }

    /// <summary>Adds the input of the averages' decay: the vector (d, 1 − d).</summary>
    public string AddAverageRate()
    {
        var name = editor.Unique("average_rate");
        graph.Inputs.Add(new(name, ElementType.Float, TensorShape.Of(2)));
        return name;
    }

    /// <summary>Adds the update of a parameter.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="gradient">Its gradient.</param>
    /// <param name="rate">Its group's rate.</param>
    /// <param name="averageRate">The averages' decay; null where no average is kept.</param>
    public TrainedParameter AddUpdate(Parameter parameter, string gradient, string rate, string? averageRate)
    {
        var (name, settings) = (parameter.Name, parameter.Settings);
        var mean = Input($"{name}_mean", parameter);
        var square = Input($"{name}_square", parameter);
        var nextMean = Add(mean, settings.Beta1, gradient, $"{name}_next_mean");
        var squared = editor.Node("Mul", $"{name}_squared", [gradient, gradient]);
        var nextSquare = Add(square, settings.Beta2, squared, $"{name}_next_square");
        var root = editor.Node("Sqrt", $"{name}_root", [nextSquare]);
        var divisor = editor.Node("Add", $"{name}_divisor", [root, Entry(rate, 1)]);
        var step = editor.Node("Div", $"{name}_step", [nextMean, divisor]);
        var change = editor.Node("Mul", $"{name}_change", [step, Entry(rate, 0)]);
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

        var trained = new TrainedParameter(parameter, mean, square, next, nextMean, nextSquare)
        {
            Average = averageRate is null ? null : AddAverage(parameter, next, averageRate),
        };
        foreach (var (_, output) in trained.Tensors)
        {
            graph.Outputs.Add(new(output, ElementType.Float, parameter.Initial.Shape));
        }

        return trained;
    }

    /// <summary>a ← d·a + (1 − d)·p with the parameter after the step.</summary>
    private (string Before, string After) AddAverage(Parameter parameter, string next, string rate)
    {
        var average = Input($"{parameter.Name}_average", parameter);
        var kept = editor.Node("Mul", $"{average}_kept", [average, Entry(rate, 0)]);
        var added = editor.Node("Mul", $"{average}_added", [next, Entry(rate, 1)]);
        return (average, editor.Node("Add", $"{parameter.Name}_next_average", [kept, added]));
    }

    private string Input(string wanted, Parameter parameter)
    {
        var name = editor.Unique(wanted);
        graph.Inputs.Add(new(name, ElementType.Float, parameter.Initial.Shape));
        return name;
    }

    private string Add(string moment, float beta, string value, string wanted) =>
        editor.Node("Add", wanted, [editor.Node("Mul", $"{wanted}_kept", [moment, Number(beta)]), value]);

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
