using System.Runtime.InteropServices;
using DiffusionQuant.Evaluation.Features.Checkpoints;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Evaluation.Features.Inception;

/// <summary>The network's weights in a state dict, with batch normalisation folded into the convolutions.</summary>
internal sealed class InceptionWeights
{
    private const string Network = "the FID Inception network";
    private const double Epsilon = 0.001;
    private const int MostNames = 3;

    private readonly Checkpoint checkpoint;

    /// <summary>Checks that a checkpoint holds the network's tensors, all of them and no others.</summary>
    /// <exception cref="DiffusionQuantException">DQ3055 to DQ3057.</exception>
    public InceptionWeights(Checkpoint checkpoint)
    {
        this.checkpoint = checkpoint;
        var expected = InceptionLayers
            .All.Values.SelectMany(l => l.Tensors)
            .Append(("fc.weight", [InceptionLayers.Classes, InceptionLayers.Features]))
            .Append(("fc.bias", [InceptionLayers.Classes]))
            .ToArray();
        var path = checkpoint.Path;
        var there = checkpoint.Tensors;
        if (Names(expected.Where(e => !there.ContainsKey(e.Item1)).Select(e => $"'{e.Item1}'")) is { } missing)
        {
            throw CheckpointErrors.MissingTensors(path, Network, missing);
        }

        var known = expected.Select(e => e.Item1).ToHashSet(StringComparer.Ordinal);
        if (Names(there.Keys.Where(n => !known.Contains(n) && !IsIgnored(n)).Select(n => $"'{n}'")) is { } unknown)
        {
            throw CheckpointErrors.UnknownTensors(path, Network, unknown);
        }

        var wrong = expected
            .Where(e => !there[e.Item1].Sizes.SequenceEqual(e.Item2) || !there[e.Item1].ElementType.IsFloatingPoint())
            .Select(e =>
                $"'{e.Item1}' is {there[e.Item1].ElementType}{there[e.Item1].Shape} instead of Float[{string.Join(',', e.Item2)}]"
            );
        if (Names(wrong) is { } shapes)
        {
            throw CheckpointErrors.WrongTensor(path, Network, shapes);
        }
    }

    /// <summary>The weight of the classifier, [1008,2048].</summary>
    public OnnxTensor Classifier() =>
        OnnxTensor.Of("fc.weight", Read("fc.weight"), InceptionLayers.Classes, InceptionLayers.Features);

    /// <summary>
    /// Weight and bias of a convolution that does batch normalisation too: γ·(w∗x − μ)/√(σ² + ε) + β, worked out in double
    /// precision.
    /// </summary>
    /// <exception cref="DiffusionQuantException">DQ3058: a value is not finite, or a variance negative.</exception>
    public (OnnxTensor Weight, OnnxTensor Bias) Convolution(ConvolutionLayer layer)
    {
        var weight = Read($"{layer.Name}.conv.weight");
        var gamma = Read($"{layer.Name}.bn.weight");
        var beta = Read($"{layer.Name}.bn.bias");
        var mean = Read($"{layer.Name}.bn.running_mean");
        var variance = Read($"{layer.Name}.bn.running_var");
        if (variance.AsSpan().ContainsAnyInRange(float.NegativeInfinity, -float.Epsilon))
        {
            throw CheckpointErrors.BadValue(checkpoint.Path, $"{layer.Name}.bn.running_var", "has a negative variance");
        }

        var folded = new byte[weight.Length * sizeof(float)];
        var bias = new float[gamma.Length];
        var values = MemoryMarshal.Cast<byte, float>(folded.AsSpan());
        var fanIn = weight.Length / bias.Length;
        for (var channel = 0; channel < bias.Length; channel++)
        {
            var scale = gamma[channel] / Math.Sqrt(variance[channel] + Epsilon);
            bias[channel] = (float)(beta[channel] - (mean[channel] * scale));
            for (var i = channel * fanIn; i < (channel + 1) * fanIn; i++)
            {
                values[i] = (float)(weight[i] * scale);
            }
        }

        return (
            new("", ElementType.Float, [layer.Outputs, layer.Inputs, layer.Height, layer.Width], folded),
            OnnxTensor.Of("", bias, layer.Outputs)
        );
    }

    /// <summary>What training left behind and the features do not depend on.</summary>
    private static bool IsIgnored(string name) =>
        name.EndsWith(".num_batches_tracked", StringComparison.Ordinal)
        || name.StartsWith("AuxLogits.", StringComparison.Ordinal);

    private static string? Names(IEnumerable<string> names)
    {
        var all = names.ToArray();
        return all.Length switch
        {
            0 => null,
            <= MostNames => string.Join(", ", all),
            _ => $"{string.Join(", ", all.Take(MostNames))} and {all.Length - MostNames} more",
        };
    }

    private float[] Read(string name)
    {
        var values = checkpoint.Read(name).ToFloats().ToArray();
        return Array.TrueForAll(values, float.IsFinite)
            ? values
            : throw CheckpointErrors.BadValue(checkpoint.Path, name, "has values that are not finite");
    }
}
