using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Evaluation.Features;

/// <summary>
/// Identifies an extractor by content: the same network with the same preprocessing has the same hash, whatever its
/// tensors are called, wherever its weights are stored, and whatever the extractor is called.
/// </summary>
public static class ExtractorHash
{
    /// <summary>SHA-256 over the weights alone: over the sorted SHA-256s of each tensor's type, sizes and elements, so that
    /// neither names nor order count.</summary>
    /// <param name="model">The network.</param>
    /// <returns>64 lower-case hexadecimal digits.</returns>
    public static string OfWeights(OnnxModel model)
    {
        var tensors = model.Graph.Initializers.Values.Select(HashOf).Order(StringComparer.Ordinal);
        return Sha256(string.Join('\n', tensors));
    }

    /// <summary>SHA-256 over the weights, the operators that use them, and all settings that change a feature.</summary>
    /// <param name="model">The network.</param>
    /// <param name="settings">Its settings.</param>
    /// <returns>64 lower-case hexadecimal digits.</returns>
    public static string Of(OnnxModel model, ExtractorSettings settings)
    {
        var text = new StringBuilder();
        foreach (var (domain, version) in model.Opsets.OrderBy(o => o.Key, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"opset {domain} {version}\n");
        }

        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        Describe(model.Graph, names, text);
        text.Append("features ").Append(names.GetValueOrDefault(settings.Features)).Append('\n');
        text.Append("logits ").Append(Name(settings.Logits)).Append('\n');
        text.Append("spatial ").Append(Name(settings.Spatial)).Append('\n');
        text.Append(Canonical(settings).ToJson());
        return Sha256(text.ToString());

        string? Name(string? output) => output is null ? null : names.GetValueOrDefault(output);
    }

    /// <summary>The settings without what changes no feature: names, files, records.</summary>
    private static ExtractorSettings Canonical(ExtractorSettings settings) =>
        settings with
        {
            Name = "",
            Model = "",
            Input = "",
            Features = "",
            Logits = null,
            Spatial = null,
            SourceSha256 = null,
            WeightsSha256 = null,
        };

    /// <summary>Writes a graph with values numbered in order; constants are called by their content.</summary>
    private static void Describe(OnnxGraph graph, Dictionary<string, string> names, StringBuilder text)
    {
        foreach (var input in graph.Inputs)
        {
            Number(input.Name);
        }

        foreach (var (name, tensor) in graph.Initializers)
        {
            names[name] = HashOf(tensor);
        }

        foreach (var node in graph.Nodes)
        {
            text.Append(node.Domain).Append('.').Append(node.OpType);
            foreach (var input in node.Inputs)
            {
                text.Append(' ').Append(input.Length == 0 ? "-" : names.GetValueOrDefault(input, input));
            }

            foreach (var (name, value) in node.Attributes.OrderBy(a => a.Key, StringComparer.Ordinal))
            {
                text.Append(' ').Append(name).Append('=');
                Describe(value, names, text);
            }

            text.Append('\n');
            foreach (var output in node.Outputs.Where(o => o.Length > 0))
            {
                Number(output);
            }
        }

        foreach (var output in graph.Outputs)
        {
            text.Append("output ").Append(names.GetValueOrDefault(output.Name, output.Name)).Append('\n');
        }

        void Number(string name) => names[name] = "%" + names.Count.ToString(CultureInfo.InvariantCulture);
    }

    private static void Describe(AttributeValue value, Dictionary<string, string> names, StringBuilder text)
    {
        switch (value)
        {
            case AttributeValue.Int v:
                text.Append(v.Value.ToString(CultureInfo.InvariantCulture));
                break;
            case AttributeValue.Float v:
                text.Append(v.Value.ToString("R", CultureInfo.InvariantCulture));
                break;
            case AttributeValue.Text v:
                text.Append(JsonEncodedText.Encode(v.Value));
                break;
            case AttributeValue.Ints v:
                text.AppendJoin(',', v.Values.Select(i => i.ToString(CultureInfo.InvariantCulture)));
                break;
            case AttributeValue.Floats v:
                text.AppendJoin(',', v.Values.Select(f => f.ToString("R", CultureInfo.InvariantCulture)));
                break;
            case AttributeValue.Texts v:
                text.AppendJoin(',', v.Utf8.Select(t => Convert.ToHexString(t.Span)));
                break;
            case AttributeValue.Tensor v:
                text.Append(HashOf(v.Value));
                break;
            case AttributeValue.Tensors v:
                text.AppendJoin(',', v.Values.Select(HashOf));
                break;
            case AttributeValue.Graph v:
                DescribeSubgraph(v.Value);
                break;
            case AttributeValue.Graphs v:
                foreach (var graph in v.Values)
                {
                    DescribeSubgraph(graph);
                }

                break;
            default:
                text.Append('?');
                break;
        }

        // Values of the surrounding graph may be read inside, but not the other way round.
        void DescribeSubgraph(OnnxGraph graph)
        {
            text.Append("{\n");
            Describe(graph, new(names, StringComparer.Ordinal), text);
            text.Append('}');
        }
    }

    private static string HashOf(OnnxTensor tensor)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> number = stackalloc byte[8];
        Append((long)tensor.ElementType, number);
        Append(tensor.Rank, number);
        foreach (var dim in tensor.Dims)
        {
            Append(dim, number);
        }

        if (tensor.Strings is { } strings)
        {
            foreach (var text in strings)
            {
                Append(text.Length, number);
                hash.AppendData(text.Span);
            }
        }
        else
        {
            hash.AppendData(tensor.Data.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(long value, Span<byte> buffer)
        {
            BinaryPrimitives.WriteInt64LittleEndian(buffer, value);
            hash.AppendData(buffer);
        }
    }

    private static string Sha256(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
