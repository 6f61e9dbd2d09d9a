using System.Globalization;

namespace DiffusionQuant.Onnx.Building;

/// <summary>Hands out names that are unique in a model, in one of the exporters' styles.</summary>
internal sealed class NameSource(NameStyle style)
{
    private readonly HashSet<string> taken = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> counters = new(StringComparer.Ordinal);
    private int number;

    public NameStyle Style => style;

    /// <summary>Takes a name that the caller chose.</summary>
    /// <exception cref="ArgumentException">It is taken.</exception>
    public string Reserve(string name) =>
        taken.Add(name) ? name : throw new ArgumentException($"The name '{name}' is taken.", nameof(name));

    /// <summary>The name of a node.</summary>
    public string Node(string scope, string opType) =>
        style switch
        {
            NameStyle.Scoped => Counted($"{scope}/{opType}"),
            NameStyle.Dynamo => Reserve($"node_{opType}_{Next()}"),
            _ => Reserve(Next()),
        };

    /// <summary>The name of an output of a node.</summary>
    public string Output(string nodeName, string opType, int index) =>
        style switch
        {
            NameStyle.Scoped => Reserve($"{nodeName}_output_{index}"),
            NameStyle.Dynamo => Counted(AtenName(opType)),
            _ => Reserve(Next()),
        };

    /// <summary>The name of a weight that its module calls <paramref name="name"/>.</summary>
    public string Parameter(string name) => style == NameStyle.Numbered ? Reserve(Next()) : Counted(name);

    /// <summary>The name of a constant that exporters made up for a reader of type <paramref name="opType"/>.</summary>
    public string Anonymous(string opType) =>
        style switch
        {
            NameStyle.Scoped => Reserve($"onnx::{opType}_{Next()}"),
            NameStyle.Dynamo => Counted("val"),
            _ => Reserve(Next()),
        };

    private string Next() => (++number).ToString(CultureInfo.InvariantCulture);

    private string Counted(string name)
    {
        while (true)
        {
            var count = counters.GetValueOrDefault(name);
            counters[name] = count + 1;
            var candidate = count == 0 ? name : $"{name}_{count}";
            if (taken.Add(candidate))
            {
                return candidate;
            }
        }
    }

    /// <summary>What torch calls the operation that the dynamo exporter turned into this operator.</summary>
    private static string AtenName(string opType) =>
        opType switch
        {
            "Conv" => "conv2d",
            "Gemm" => "linear",
            "MatMul" => "matmul",
            "Add" => "add",
            "Mul" => "mul",
            "Sigmoid" => "sigmoid",
            "Softmax" => "softmax",
            "Reshape" => "view",
            "Transpose" => "transpose",
            "Unsqueeze" => "unsqueeze",
            "Concat" => "cat",
            "Resize" => "upsample_nearest2d",
            "Sin" => "sin",
            "Cos" => "cos",
            _ => "val",
        };
}
