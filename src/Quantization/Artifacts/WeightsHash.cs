using System.Security.Cryptography;
using System.Text;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Artifacts;

/// <summary>Identifies what a model has learned: its constants, wherever the files lie and whatever else they say.</summary>
public static class WeightsHash
{
    /// <summary>SHA-256 over name, type, sizes and elements of each constant of a graph and its branches, in lower-case
    /// hexadecimal. Layers' names are the constants' surroundings in most exports, so that rules by name fit as well.</summary>
    /// <param name="model">The model as it was read.</param>
    public static string Of(OnnxModel model)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, tensor) in Constants(model.Graph).OrderBy(c => c.Name, StringComparer.Ordinal))
        {
            var dims = string.Join(',', tensor.Dims.ToArray());
            // With its length before it, no name can pass for the words behind it.
            hash.AppendData(Encoding.UTF8.GetBytes($"{name.Length} {name} {tensor.ElementType} {dims}\n"));
            hash.AppendData(tensor.Data.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The warning DQ1098 where a recipe was made for another model's weights; null where it suits, or was made for
    /// none in particular.</summary>
    /// <param name="modelPath">An <c>.onnx</c> file or a model's folder.</param>
    /// <param name="recipe">The recipe.</param>
    /// <exception cref="DiffusionQuantException">The model cannot be read.</exception>
    public static DiffusionQuantException? FindMismatch(string modelPath, Recipe recipe)
    {
        if (recipe.WeightsSha256 is not { } made)
        {
            return null;
        }

        var found = Of(DiffusionModel.Load(modelPath, recipe.ToModelOptions()).Model);
        return found == made ? null : QuantizationErrors.OtherWeights(modelPath, made, found);
    }

    private static IEnumerable<(string Name, OnnxTensor Tensor)> Constants(OnnxGraph graph)
    {
        foreach (var (name, tensor) in graph.Initializers)
        {
            yield return (name, tensor);
        }

        foreach (var node in graph.Nodes)
        {
            if (node.Is("Constant") && node.Attributes.GetValueOrDefault("value") is AttributeValue.Tensor constant)
            {
                yield return (node.Outputs[0], constant.Value);
            }

            foreach (var inner in GraphChecker.Subgraphs(node).SelectMany(Constants))
            {
                yield return inner;
            }
        }
    }
}
