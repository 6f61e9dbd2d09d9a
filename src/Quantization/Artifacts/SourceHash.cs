using System.Security.Cryptography;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Artifacts;

/// <summary>Identifies a model by its content.</summary>
public static class SourceHash
{
    /// <summary>SHA-256 over a graph's file and the external data of its tensors, in lower-case hexadecimal.</summary>
    /// <param name="path">The graph's file.</param>
    /// <param name="model">The model read from it.</param>
    public static string Of(string path, OnnxModel model)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using (var stream = File.OpenRead(path))
        {
            hash.AppendData(SHA256.HashData(stream));
        }

        foreach (var tensor in model.Graph.Initializers.Values)
        {
            hash.AppendData(tensor.Data.Span);
        }

        // What branches and attributes hold may lie in other files too.
        foreach (var tensor in model.DataFiles.Count > 0 ? Inner(model.Graph) : [])
        {
            hash.AppendData(tensor.Data.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static IEnumerable<OnnxTensor> Inner(OnnxGraph graph) =>
        graph.Nodes.SelectMany(node =>
            node.Attributes.Values.SelectMany(value =>
                    value switch
                    {
                        AttributeValue.Tensor tensor => [tensor.Value],
                        AttributeValue.Tensors tensors => tensors.Values,
                        _ => [],
                    }
                )
                .Concat(GraphChecker.Subgraphs(node).SelectMany(g => g.Initializers.Values.Concat(Inner(g))))
        );
}
