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
                Add(matrix, row, place, [1 - Share(place), Share(place)]);
                break;
            default:
                if (c.Node.Int("exclude_outside") != 0)
                {
                    throw c.Unsupported("elements outside left out");
                }

                Add(matrix, row, place, Cubic(Share(place), c.Node.Float("cubic_coeff_a", -0.75f)));
                break;
        }
    }

    private static double Share(double place) => place - Math.Floor(place);

    /// <summary>Adds the weights of the elements around a place; outside of the axis stand those at its ends.</summary>
    private static void Add(float[,] matrix, long row, double place, double[] weights)
    {
        var first = (long)Math.Floor(place) - (weights.Length / 2) + 1;
        for (var i = 0; i < weights.Length; i++)
        {
            matrix[row, Math.Clamp(first + i, 0, matrix.GetLength(1) - 1)] += (float)weights[i];
        }
    }

    /// <summary>Keys' cubic convolution (1981) at a place between two elements.</summary>
    private static double[] Cubic(double share, double a)
    {
        return [Far(1 + share), Near(share), Near(1 - share), Far(2 - share)];

        double Near(double d) => (a + 2) * d * d * d - (a + 3) * d * d + 1;

        double Far(double d) => a * (d * d * d - 5 * d * d + 8 * d - 4);
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
