using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Gradients;

/// <summary>Collects what each reader of a value contributes to its gradient, and adds it up when it is asked for.</summary>
internal sealed class GradientSums(GraphEditor editor)
{
    private readonly Dictionary<string, List<string>> parts = new(StringComparer.Ordinal);

    public GraphEditor Editor => editor;

    public bool Has(string value) => parts.ContainsKey(value);

    public void Add(string value, string gradient)
    {
        if (!parts.TryGetValue(value, out var list))
        {
            parts[value] = list = [];
        }

        list.Add(gradient);
    }

    /// <summary>The gradient of a value; null when nothing depends on it. All readers have contributed by now.</summary>
    public string? Total(string value)
    {
        if (!parts.TryGetValue(value, out var list))
        {
            return null;
        }

        while (list.Count > 1)
        {
            // Pairwise: ONNX Runtime's Sum has no vectorised form for more than two.
            var sum = editor.Node("Add", $"{value}_grad", [list[0], list[1]]);
            list.RemoveRange(0, 2);
            list.Add(sum);
        }

        return list[0];
    }
}
