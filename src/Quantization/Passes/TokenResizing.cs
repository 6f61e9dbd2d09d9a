using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Export;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Enlargement of images by repeating pixels, in the layout of <see cref="ChannelsLast"/>: an Expand, where ONNX Runtime's
/// Resize takes ten times as long channels-last as it takes on [N,C,H,W].
/// </summary>
internal sealed class TokenResizing(GraphEditor editor, TokenLayout layout)
{
    /// <summary>Writes a Resize that repeats every pixel the same number of times.</summary>
    public bool TryConvert(OnnxNode node)
    {
        if (
            !node.Is("Resize")
            || node.Text("mode", "nearest") != "nearest"
            || !layout.Has(node.Inputs[0])
            || !layout.IsImage(node.Inputs[0])
            || !layout.IsImage(node.Outputs[0])
            || layout.ShapeOf(node.Inputs[0]) is not { } from
            || layout.ShapeOf(node.Outputs[0]) is not { } to
            || !Shapes.Same(from[0], to[0])
            || from[1].Value is not { } channels
            || to[1].Value != channels
            || Factor(node, from[2].Value!.Value, to[2].Value!.Value) is not { } rows
            || Factor(node, from[3].Value!.Value, to[3].Value!.Value) is not { } columns
        )
        {
            return false;
        }

        var (height, width) = (from[2].Value!.Value, from[3].Value!.Value);
        var output = node.Outputs[0];
        var apart = editor.Node(
            "Reshape",
            $"{output}_pixels",
            [layout.Of(node.Inputs[0]), editor.Integers([0, height, 1, width, 1, channels])]
        );
        var repeated = editor.Node(
            "Expand",
            $"{output}_repeated",
            [apart, editor.Integers([1, 1, rows, 1, columns, 1])]
        );
        layout.Set(
            output,
            editor.Node(
                "Reshape",
                $"{output}_tokens",
                [repeated, editor.Integers([0, height * rows * width * columns, channels])]
            )
        );
        return true;
    }

    /// <summary>How often each row or column is repeated, or null when that is not all that happens.</summary>
    private static long? Factor(OnnxNode resize, long from, long to)
    {
        var factor = to / from;
        if (factor < 1 || factor * from != to)
        {
            return null;
        }

        for (var i = 0L; i < to; i++)
        {
            if (Source(resize, i, factor, to) is not { } source || Math.Clamp(source, 0, from - 1) != i / factor)
            {
                return null;
            }
        }

        return factor;
    }

    /// <summary>Which element of the input the element <paramref name="i"/> of the output is, by Resize's definition.</summary>
    private static double? Source(OnnxNode resize, long i, double factor, long size)
    {
        double? position = resize.Text("coordinate_transformation_mode", "half_pixel") switch
        {
            "half_pixel" or "half_pixel_symmetric" => ((i + 0.5) / factor) - 0.5,
            "pytorch_half_pixel" => size > 1 ? ((i + 0.5) / factor) - 0.5 : 0,
            "asymmetric" => i / factor,
            _ => null,
        };
        return resize.Text("nearest_mode", "round_prefer_floor") switch
        {
            "round_prefer_floor" => position is { } p ? Math.Ceiling(p - 0.5) : null,
            "round_prefer_ceil" => position is { } p ? Math.Floor(p + 0.5) : null,
            "floor" => position is { } p ? Math.Floor(p) : null,
            "ceil" => position is { } p ? Math.Ceiling(p) : null,
            _ => null,
        };
    }
}
