using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Blocks;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Training;

/// <summary>The features in front of a network's last layer.</summary>
/// <param name="Value">The value that holds them: samples, then channels and places in either order.</param>
/// <param name="AreChannelsLast">Whether channels are the last dimension, as of tokens, or the second, as of images.</param>
internal sealed record NetworkFeatures(string Value, bool AreChannelsLast)
{
    /// <summary>Finds them: of what enters the last layer's block the value that has places; null where none has.</summary>
    public static NetworkFeatures? Find(QuantizationState state)
    {
        var graph = state.Graph.Graph;
        var last = state.Layers.LastOrDefault(l => l.Positions.HasFlag(LayerPositions.Last));
        if (last is null)
        {
            return null;
        }

        var unit = BlockTags
            .Read(graph, state.Layers.Select(l => l.Name))
            .FirstOrDefault(u => u.Layers.Contains(last.Name));
        // A layer of a larger block stands behind others; what it reads itself is nearest.
        string[] inputs = unit is { Layers.Count: 1 } ? [.. unit.Inputs] : [last.Node.Inputs[0]];
        var value = inputs
            .Where(i => graph.ShapeOf(i) is { Rank: > 2 } && !graph.Inputs.Exists(g => g.Name == i))
            .MaxBy(i => graph.ShapeOf(i)!.Rank);
        return value is null ? null : new(value, last.Kind != LayerKind.Convolution);
    }
}
