using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Engine.Tests.Gradients.Forms;

/// <summary>Operators that pick or place elements by index.</summary>
internal static class IndexingForms
{
    public static IEnumerable<GradientForm> All => [new("Slice", Slice), new("Gather", Gather)];

    /// <summary>Starts and ends from either side, beyond the axis too, steps in both directions.</summary>
    private static Value Slice(Trial t)
    {
        var dims = t.Draw.Shape(1, 4);
        var axes = t.Draw.Axes(dims.Length);
        var (starts, ends, steps) = (new long[axes.Length], new long[axes.Length], new long[axes.Length]);
        var hasSteps = t.Draw.Flag();
        for (var i = 0; i < axes.Length; i++)
        {
            var size = dims[axes[i] < 0 ? axes[i] + dims.Length : axes[i]];
            var (low, high) = ((long)t.Draw.Whole(0, (int)size - 1), (long)t.Draw.Whole(0, (int)size - 1));
            (low, high) = (Math.Min(low, high), Math.Max(low, high));
            steps[i] = hasSteps ? t.Draw.Pick(1L, 2, 3, -1, -2) : 1;
            if (steps[i] > 0)
            {
                starts[i] = t.Draw.Pick(low, low - size);
                ends[i] = high == size - 1 ? t.Draw.Pick(size, long.MaxValue, size + 5) : high + 1;
            }
            else
            {
                starts[i] = high == size - 1 ? t.Draw.Pick(-1, size + 3, high) : t.Draw.Pick(high, high - size);
                ends[i] = low == 0 ? t.Draw.Pick(long.MinValue + 1, -size - 1) : low - 1;
            }
        }

        return hasSteps || t.Draw.Flag()
            ? t.Op("Slice", t.Input(dims), t.Integers(starts), t.Integers(ends), t.Integers(axes), t.Integers(steps))
            : t.Op("Slice", t.Input(dims), t.Integers(starts), t.Integers(ends), t.Integers(axes));
    }

    /// <summary>Indices of any rank, some taken twice, some counted from the end.</summary>
    private static Value Gather(Trial t)
    {
        var dims = t.Draw.Shape(1, 3);
        var axis = t.Draw.Axis(dims.Length);
        var size = (int)dims[axis < 0 ? axis + dims.Length : axis];
        var shape = t.Draw.Shape(0, 2);
        long[] indices = [.. Enumerable.Range(0, (int)Trial.Count(shape)).Select(_ => t.Draw.Axis(size))];
        return t.Op("Gather", [t.Input(dims), t.Integers(shape, indices)], ("axis", axis));
    }
}
