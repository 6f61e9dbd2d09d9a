using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Plan;

/// <summary>Operators that move or repeat elements without changing them; codes pass through them as values do.</summary>
public static class DataMovement
{
    /// <summary>Whether a node only moves its first input's elements.</summary>
    public static bool Is(OnnxNode node) =>
        node.Domain.Length == 0
        && node.OpType switch
        {
            "Reshape" or "Transpose" or "Squeeze" or "Unsqueeze" or "Flatten" or "Identity" or "Expand" => true,
            "Resize" => node.Text("mode", "nearest") == "nearest"
                && node.Text("coordinate_transformation_mode", "half_pixel") != "tf_crop_and_resize",
            _ => false,
        };

    /// <summary>Where a value's elements come from: the first value upstream that is not made by data movement.</summary>
    public static string Root(GraphIndex index, string value)
    {
        while (index.Producer(value) is { } node && Is(node) && node.Input(0) is { } source)
        {
            value = source;
        }

        return value;
    }
}
