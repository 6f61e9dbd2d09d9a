using System.Globalization;

namespace DiffusionQuant.Onnx.Tests.ShapeInference;

/// <summary>One line of operators.txt: an operator call as a graph of one node.</summary>
internal sealed class OperatorCase
{
    private const string Count = " outputs ";

    private static readonly Dictionary<char, ElementType> Types = new()
    {
        ['f'] = ElementType.Float,
        ['h'] = ElementType.Float16,
        ['d'] = ElementType.Double,
        ['l'] = ElementType.Int64,
        ['i'] = ElementType.Int32,
        ['b'] = ElementType.Bool,
        ['u'] = ElementType.UInt8,
        ['s'] = ElementType.Int8,
    };

    public OperatorCase(string line)
    {
        Line = line;
        var open = line.IndexOf('(');
        var close = line.LastIndexOf(')');
        var head = line[..open].Split(' ');
        var tail = line[(close + 1)..];
        var arrow = tail.IndexOf(Count, StringComparison.Ordinal);
        var outputs = arrow < 0 ? 1 : int.Parse(tail[(arrow + Count.Length)..], CultureInfo.InvariantCulture);
        var dot = head[1].LastIndexOf('.');
        var graph = new OnnxGraph { Name = "case" };
        var node = new OnnxNode(
            head[1][(dot + 1)..],
            [],
            Enumerable.Range(0, outputs).Select(i => $"y{i}"),
            "node",
            dot < 0 ? "" : head[1][..dot]
        );
        foreach (var (text, i) in SplitInputs(line[(open + 1)..close]).Select((t, i) => (t, i)))
        {
            node.Inputs.Add(AddInput(graph, text, $"x{i}"));
        }

        foreach (var (key, value) in Attributes(arrow < 0 ? tail : tail[..arrow]))
        {
            node.Attributes[key] = value;
        }

        graph.Nodes.Add(node);
        graph.Outputs.AddRange(node.Outputs.Select(o => new ValueInfo(o, ElementType.Undefined, null)));
        Model = new(graph) { Opset = int.Parse(head[0], CultureInfo.InvariantCulture) };
        Model.Opsets["com.microsoft"] = 1;
    }

    public string Line { get; }

    public OnnxModel Model { get; }

    public OnnxNode Node => Model.Graph.Nodes[0];

    public static IEnumerable<OperatorCase> Read(string path) =>
        File.ReadLines(path).Where(l => l.Length > 0 && l[0] != '#').Select(l => new OperatorCase(l));

    private static IEnumerable<string> SplitInputs(string text) =>
        text.Length == 0 ? [] : text.Split(", ").Select(t => t.Trim());

    private static string AddInput(OnnxGraph graph, string text, string name)
    {
        if (text == "_")
        {
            return "";
        }

        if (text[0] == '=')
        {
            graph.Add(Constant(text[1..], name));
            return name;
        }

        var dims = text[2..^1];
        var shape =
            dims == "..." ? null
            : dims.Length == 0 ? TensorShape.Scalar
            : new TensorShape(
                dims.Split(',')
                    .Select(d =>
                        d == "?" ? Dimension.Unknown
                        : long.TryParse(d, CultureInfo.InvariantCulture, out var size) ? size
                        : Dimension.Named(d)
                    )
            );
        graph.Inputs.Add(new(name, Types[text[0]], shape));
        return name;
    }

    private static OnnxTensor Constant(string text, string name)
    {
        var colon = text.IndexOf(':');
        var values = text[(colon + 1)..].Split(',');
        float[] Floats() => [.. values.Select(v => float.Parse(v, CultureInfo.InvariantCulture))];
        long[] Longs() => [.. values.Select(v => long.Parse(v, CultureInfo.InvariantCulture))];
        return text[..Math.Max(0, colon)] switch
        {
            "f" => OnnxTensor.Of(name, Floats().AsSpan(), values.Length),
            "f1" => OnnxTensor.Scalar(name, Floats()[0]),
            "l" => OnnxTensor.Scalar(name, Longs()[0]),
            "u" => OnnxTensor.Of(name, [(byte)Longs()[0]]),
            "s" => OnnxTensor.Of(name, [(sbyte)Longs()[0]]),
            _ => OnnxTensor.Of(name, Longs().AsSpan(), values.Length),
        };
    }

    private static IEnumerable<(string Key, AttributeValue Value)> Attributes(string text)
    {
        // Quoted values may hold blanks: they are cut at their quotes.
        while (text.Trim() is { Length: > 0 } rest)
        {
            var equals = rest.IndexOf('=');
            var start = equals + 1;
            var quoted = rest[start] == '\'';
            var end = quoted ? rest.IndexOf('\'', start + 1) + 1 : rest.IndexOf(' ', start);
            end = end <= 0 ? rest.Length : end;
            var value = rest[start..end];
            yield return (rest[..equals], Parse(value));
            text = rest[end..];
        }
    }

    private static AttributeValue Parse(string value)
    {
        if (value[0] == '\'')
        {
            return value.Trim('\'');
        }

        if (value.Contains(','))
        {
            var items = value.Split(',', StringSplitOptions.RemoveEmptyEntries);
            return items.Select(v => long.Parse(v, CultureInfo.InvariantCulture)).ToArray();
        }

        // Two returns: a conditional expression would turn the integer into a float.
        if (value.Contains('.'))
        {
            return float.Parse(value, CultureInfo.InvariantCulture);
        }

        return long.Parse(value, CultureInfo.InvariantCulture);
    }
}
