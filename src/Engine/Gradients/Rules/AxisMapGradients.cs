using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Gradients.Rules;

/// <summary>
/// Operators that make each element along an axis a fixed mixture of the input's elements along it: Slice, Gather with
/// constant indices, Pad by mirroring, Resize. The gradient is the product with the mixture's matrix.
/// </summary>
internal static class AxisMapGradients
{
    public static void AddTo(GradientRuleTable rules)
    {
        rules.Add("Slice", Slice);
        rules.Add("Gather", Gather);
        rules.Add("Pad", Pad);
        rules.Add("Resize", Resize);
    }

    private static void Slice(GradientContext c)
    {
        var dims = c.InputShape(0);
        long[] Constant(int input, long[] otherwise) =>
            c.Node.Input(input) is not { } name
                ? otherwise
                : c.Writer.Constant(name)?.ToInt64s() ?? throw c.Unsupported("places that are computed at run time");

        var starts = Constant(1, []);
        var axes = Constant(3, [.. Enumerable.Range(0, starts.Length).Select(i => (long)i)]);
        var steps = Constant(4, [.. starts.Select(_ => 1L)]);
        var gradient = c.Gradient;
        var pads = new long[2 * dims.Length];
        for (var i = 0; i < axes.Length; i++)
        {
            var axis = (int)(axes[i] < 0 ? axes[i] + dims.Length : axes[i]);
            var size = dims[axis];
            var count = c.OutputShape[axis];
            var start = starts[i] < 0 ? starts[i] + size : starts[i];
            start = Math.Clamp(start, 0, steps[i] < 0 ? size - 1 : size);
            if (steps[i] == 1)
            {
                (pads[axis], pads[axis + dims.Length]) = (start, size - start - count);
                continue;
            }

            gradient = AlongAxis(c, gradient, axis, Selection(size, [.. Places(start, steps[i], count)]));
        }

        c.Give(0, c.Writer.Pad(gradient, pads));
    }

    private static IEnumerable<long> Places(long start, long step, long count)
    {
        for (var i = 0L; i < count; i++)
        {
            yield return start + (i * step);
        }
    }

    private static void Gather(GradientContext c)
    {
        var dims = c.InputShape(0);
        var axis = c.Node.Int("axis");
        axis = axis < 0 ? axis + dims.Length : axis;
        if (c.Writer.Constant(c.Node.Inputs[1])?.ToInt64s() is not { } indices)
        {
            IndexGradients.Gather(c, (int)axis);
            return;
        }

        var places = indices.Select(i => i < 0 ? i + dims[axis] : i).ToArray();
        // Indices of any rank take the axis' place; as one axis they are a list.
        var flat = c.Writer.Reshape(c.Gradient, [.. dims[..(int)axis], places.Length, .. dims[((int)axis + 1)..]]);
        c.Give(0, AlongAxis(c, flat, (int)axis, Selection(dims[axis], places), dims.Length));
    }

    private static void Pad(GradientContext c)
    {
        var dims = c.InputShape(0);
        var rank = dims.Length;
        long[] Constant(int input) =>
            c.Writer.Constant(c.Node.Inputs[input])?.ToInt64s()
            ?? throw c.Unsupported("sizes that are computed at run time");

        var given = Constant(1);
        long[] axes = c.Node.Input(3) is null ? [.. Enumerable.Range(0, rank).Select(i => (long)i)] : Constant(3);
        var mode = c.Node.Text("mode", "constant");
        var (gradient, crop) = (c.Gradient, new long[2 * rank]);
        for (var i = 0; i < axes.Length; i++)
        {
            var axis = (int)(axes[i] < 0 ? axes[i] + rank : axes[i]);
            var (begin, end, size) = (given[i], given[i + axes.Length], dims[axis]);
            if (mode == "constant")
            {
                (crop[axis], crop[axis + rank]) = (-begin, -end);
            }
            else if (begin != 0 || end != 0)
            {
                var places = Places(-begin, 1, begin + size + end).Select(p => Mirrored(mode, p, size));
                gradient = AlongAxis(c, gradient, axis, Selection(size, [.. places]));
            }
        }

        c.Give(0, c.Writer.Pad(gradient, crop));
    }

    /// <summary>The element that stands at a place beyond the axis.</summary>
    private static long Mirrored(string mode, long place, long size) =>
        mode switch
        {
            _ when place >= 0 && place < size => place,
            "edge" => Math.Clamp(place, 0, size - 1),
            "wrap" => (place + size) % size,
            _ => place < 0 ? -place : (2 * (size - 1)) - place,
        };

    private static void Resize(GradientContext c)
    {
        var (from, to) = (c.InputShape(0), c.OutputShape);
        if (c.Node.Attributes.ContainsKey("axes") || c.Node.Int("antialias") != 0)
        {
            throw c.Unsupported("axes and antialiasing");
        }

        if (from.AsSpan().SequenceEqual(to))
        {
            // Whatever the factors are: ONNX Runtime copies.
            c.Give(0, c.Gradient);
            return;
        }

        var scales = c.Writer.Constant(c.Node.Input(2))?.ToFloats().ToArray();
        var gradient = c.Gradient;
        for (var axis = 0; axis < from.Length; axis++)
        {
            var scale = scales is { Length: > 0 } ? scales[axis] : (double)to[axis] / from[axis];
            if (scale != 1)
            {
                gradient = AlongAxis(c, gradient, axis, ResizeMap.Of(c, from[axis], to[axis], scale));
            }
        }

        c.Give(0, gradient);
    }

    private static float[,] Selection(long size, long[] places)
    {
        var matrix = new float[places.Length, size];
        for (var i = 0; i < places.Length; i++)
        {
            matrix[i, places[i]] = 1;
        }

        return matrix;
    }

    /// <summary>Multiplies along an axis with a matrix [outputs, inputs].</summary>
    private static string AlongAxis(GradientContext c, string gradient, int axis, float[,] matrix, int? rank = null)
    {
        var w = c.Writer;
        var (rows, columns) = (matrix.GetLength(0), matrix.GetLength(1));
        var flat = new float[rows * columns];
        Buffer.BlockCopy(matrix, 0, flat, 0, flat.Length * sizeof(float));
        var constant = w.Editor.Constant(OnnxTensor.Of($"{c.Node.Outputs[0]}_map", flat.AsSpan(), rows, columns));
        var map = w.Cast(constant, ElementType.Float, c.Type);
        var last = (rank ?? c.OutputShape.Length) - 1;
        if (axis == last)
        {
            return w.Op("MatMul", gradient, map);
        }

        long[] perm = [.. Enumerable.Range(0, last + 1).Select(i => (long)i)];
        (perm[axis], perm[last]) = (perm[last], perm[axis]);
        return w.Transpose(w.Op("MatMul", w.Transpose(gradient, perm), map), perm);
    }
}
