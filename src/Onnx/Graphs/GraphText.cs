using System.Globalization;
using System.Text;

namespace DiffusionQuant.Onnx;

/// <summary>Prints graphs for people: in tests' snapshots and while looking for a mistake.</summary>
public static class GraphText
{
    private const int MostElements = 16;

    /// <summary>One line for each input, initializer, node, inner value and output, in the graph's order.</summary>
    /// <param name="graph">The graph.</param>
    /// <returns>Lines ended by <c>\n</c>; equal for equal graphs.</returns>
    public static string Print(OnnxGraph graph)
    {
        var text = new StringBuilder();
        Print(text, graph, "");
        return text.ToString();
    }

    private static void Print(StringBuilder text, OnnxGraph graph, string indent)
    {
        Line(text, indent, $"graph {graph.Name}");
        foreach (var input in graph.Inputs)
        {
            Line(text, indent, $"  input {input}");
        }

        foreach (var tensor in graph.Initializers.Values)
        {
            Line(text, indent, $"  initializer {tensor}{Elements(tensor)}");
        }

        foreach (var node in graph.Nodes)
        {
            Print(text, node, indent + "  ");
        }

        foreach (var info in graph.ValueInfos.Values.OrderBy(v => v.Name, StringComparer.Ordinal))
        {
            Line(text, indent, $"  value {info}");
        }

        foreach (var output in graph.Outputs)
        {
            Line(text, indent, $"  output {output}");
        }
    }

    private static void Print(StringBuilder text, OnnxNode node, string indent)
    {
        var domain = node.Domain.Length > 0 ? node.Domain + "." : "";
        var outputs = string.Join(", ", node.Outputs.Select(Argument));
        var inputs = string.Join(", ", node.Inputs.Select(Argument));
        var attributes = node.Attributes.OrderBy(a => a.Key, StringComparer.Ordinal).ToArray();
        var flat = string.Join(
            ", ",
            attributes.Where(a => Flat(a.Value) is not null).Select(a => $"{a.Key}={Flat(a.Value)}")
        );
        var name = node.Name.Length > 0 ? $"  # {node.Name}" : "";
        Line(
            text,
            indent,
            $"{outputs} = {domain}{node.OpType}({inputs}){(flat.Length > 0 ? $" {{{flat}}}" : "")}{name}"
        );
        foreach (var (key, value) in attributes)
        {
            var graphs = value switch
            {
                AttributeValue.Graph g => [g.Value],
                AttributeValue.Graphs g => g.Values,
                _ => (IReadOnlyList<OnnxGraph>)[],
            };
            foreach (var graph in graphs)
            {
                Line(text, indent, $"  {key}:");
                Print(text, graph, indent + "    ");
            }
        }
    }

    /// <summary>An argument that is left out prints as an underscore.</summary>
    private static string Argument(string name) => name.Length == 0 ? "_" : name;

    private static string? Flat(AttributeValue value) =>
        value switch
        {
            AttributeValue.Int i => i.Value.ToString(CultureInfo.InvariantCulture),
            AttributeValue.Float f => Number(f.Value),
            AttributeValue.Text t => $"'{t.Value}'",
            AttributeValue.Ints i => $"[{string.Join(',', i.Values)}]",
            AttributeValue.Floats f => $"[{string.Join(',', f.Values.Select(Number))}]",
            AttributeValue.Texts t =>
                $"[{string.Join(',', t.Utf8.Select(u => $"'{Encoding.UTF8.GetString(u.Span)}'"))}]",
            AttributeValue.Tensor t => $"{t.Value.ElementType}{t.Value.Shape}{Elements(t.Value)}",
            AttributeValue.Tensors t => $"[{string.Join("; ", t.Values)}]",
            AttributeValue.Opaque => "(opaque)",
            _ => null,
        };

    private static string Elements(OnnxTensor tensor)
    {
        if (tensor.ElementCount > MostElements)
        {
            return "";
        }

        if (tensor.Strings is { } strings)
        {
            return $" = {string.Join(',', strings.Select(s => $"'{Encoding.UTF8.GetString(s.Span)}'"))}";
        }

        if (tensor.ElementType == ElementType.UInt64)
        {
            return $" = {string.Join(',', tensor.Span<ulong>().ToArray())}";
        }

        return tensor.ElementType.IsFloatingPoint()
                ? $" = {string.Join(',', tensor.ToFloats().ToArray().Select(Number))}"
            : tensor.ElementType.IsInteger() ? $" = {string.Join(',', tensor.ToInt64s())}"
            : "";
    }

    private static string Number(float value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static void Line(StringBuilder text, string indent, string line) =>
        text.Append(indent).Append(line).Append('\n');
}
