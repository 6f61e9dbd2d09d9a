namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>The matrix [outputs, inputs] of a Resize along one axis, by ONNX's definition.</summary>
internal static class ResizeMap
{
    public static float[,] Of(GradientContext c, long from, long to, double scale)
    {
        var coordinates = c.Node.Text("coordinate_transformation_mode", "half_pixel");
        var matrix = new float[to, from];
        for (var i = 0L; i < to; i++)
        {
            var place = coordinates switch
            {
                "asymmetric" => i / scale,
                "half_pixel" => ((i + 0.5) / scale) - 0.5,
                "pytorch_half_pixel" => to > 1 ? ((i + 0.5) / scale) - 0.5 : 0,
                "align_corners" => to > 1 ? i * (from - 1.0) / (to - 1) : 0,
                _ => throw c.Unsupported($"the coordinates {coordinates}"),
            };
            Fill(c, matrix, i, place, from);
        }

        return matrix;
    }

    private static void Fill(GradientContext c, float[,] matrix, long row, double place, long from)
    {
        switch (c.Node.Text("mode", "nearest"))
        {
            case "nearest":
                matrix[row, Math.Clamp(Nearest(c, place), 0, from - 1)] = 1;
                break;
            case "linear":
                var floor = (long)Math.Floor(place);
                var share = (float)(place - floor);
                matrix[row, Math.Clamp(floor, 0, from - 1)] += 1 - share;
                matrix[row, Math.Clamp(floor + 1, 0, from - 1)] += share;
                break;
            case var mode:
                throw c.Unsupported($"the mode {mode}");
        }
    }

    private static long Nearest(GradientContext c, double place) =>
        (long)(
            c.Node.Text("nearest_mode", "round_prefer_floor") switch
            {
                "floor" => Math.Floor(place),
                "ceil" => Math.Ceiling(place),
                "round_prefer_ceil" => Math.Floor(place + 0.5),
                _ => Math.Ceiling(place - 0.5),
            }
        );
}
