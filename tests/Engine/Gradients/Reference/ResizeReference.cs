using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Tests.Gradients.Reference;

/// <summary>Resize by the definition of each mode, one output element after the other.</summary>
internal static class ResizeReference
{
    public static void AddTo(ReferenceGraph table) => table.Add("Resize", Resize);

    private static NdArray Resize(ReferenceCall c)
    {
        var from = c.X.Dims;
        var scales = c.Find(2) is { Values.Length: > 0 } given ? given.Values : null;
        int[] to = scales is null
            ? [.. c[3].Integers.Select(s => (int)s)]
            : [.. from.Select((d, i) => (int)Math.Floor(d * scales[i]))];
        if (to.AsSpan().SequenceEqual(from))
        {
            // Not ONNX's definition, by which factors near 1 still mix: ONNX Runtime copies.
            return c.X;
        }

        var result = c.X;
        for (var axis = 0; axis < from.Length; axis++)
        {
            var (size, count) = (from[axis], to[axis]);
            var scale = scales?[axis] ?? (double)count / size;
            result = AlongAxis(
                result,
                axis,
                [.. Enumerable.Range(0, count).Select(i => Shares(c.Node, Place(c.Node, i, scale, size, count), size))]
            );
        }

        return result;
    }

    private static NdArray AlongAxis(NdArray x, int axis, double[][] shares)
    {
        int[] dims = [.. x.Dims];
        dims[axis] = shares.Length;
        return NdArray.Of(
            dims,
            place =>
            {
                int[] source = [.. place];
                var sum = 0.0;
                for (source[axis] = 0; source[axis] < x.Dims[axis]; source[axis]++)
                {
                    sum += shares[place[axis]][source[axis]] * x[source];
                }

                return sum;
            }
        );
    }

    private static double Place(OnnxNode node, int i, double scale, int from, int to) =>
        node.Text("coordinate_transformation_mode", "half_pixel") switch
        {
            "asymmetric" => i / scale,
            "align_corners" => to == 1 ? 0 : (double)i * (from - 1) / (to - 1),
            "pytorch_half_pixel" when to == 1 => 0,
            _ => ((i + 0.5) / scale) - 0.5,
        };

    /// <summary>How much of each element of an axis the one at a place between them is made of.</summary>
    private static double[] Shares(OnnxNode node, double place, int size)
    {
        var shares = new double[size];
        var floor = (int)Math.Floor(place);
        var rest = place - floor;
        switch (node.Text("mode", "nearest"))
        {
            case "linear":
                Add(0, 1 - rest);
                Add(1, rest);
                break;
            case "cubic":
                double a = node.Float("cubic_coeff_a", -0.75f);
                for (var offset = -1; offset <= 2; offset++)
                {
                    Add(offset, Cubic(Math.Abs(rest - offset), a));
                }

                break;
            default:
                shares[Math.Clamp(Nearest(node, place), 0, size - 1)] = 1;
                break;
        }

        return shares;

        void Add(int offset, double share) => shares[Math.Clamp(floor + offset, 0, size - 1)] += share;
    }

    /// <summary>The kernel as ONNX's documentation has it.</summary>
    private static double Cubic(double distance, double a) =>
        distance <= 1 ? ((a + 2) * Math.Pow(distance, 3)) - ((a + 3) * Math.Pow(distance, 2)) + 1
        : distance < 2 ? a * (Math.Pow(distance, 3) - (5 * Math.Pow(distance, 2)) + (8 * distance) - 4)
        : 0;

    private static int Nearest(OnnxNode node, double place) =>
        (int)(
            node.Text("nearest_mode", "round_prefer_floor") switch
            {
                "floor" => Math.Floor(place),
                "ceil" => Math.Ceiling(place),
                "round_prefer_ceil" => Math.Floor(place + 0.5),
                _ => Math.Ceiling(place - 0.5),
            }
        );
}
