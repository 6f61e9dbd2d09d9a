using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Engine.Tests.Gradients.Forms;

/// <summary>Operators that pick or place elements by index.</summary>
internal static class IndexingForms
{
    public static IEnumerable<GradientForm> All =>
        [
            new("Slice", Slice),
            new("Gather", t => Gather(t, isConstant: true)),
            new("Gather", t => Gather(t, isConstant: false)) { Variant = "at computed indices" },
            new("GatherElements", GatherElements),
            new("GatherND", GatherBlocks),
            new("ScatterElements", ScatterElements),
            new("ScatterND", ScatterBlocks),
        ];

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
    private static Value Gather(Trial t, bool isConstant)
    {
        var dims = t.Draw.Shape(1, 3);
        var axis = t.Draw.Axis(dims.Length);
        var size = (int)dims[axis < 0 ? axis + dims.Length : axis];
        var shape = t.Draw.Shape(0, 2);
        long[] indices = [.. Enumerable.Range(0, (int)Trial.Count(shape)).Select(_ => t.Draw.Axis(size))];
        var constant = t.Integers(shape, indices);

        // Nothing here folds the sum of two constants.
        var places = isConstant ? constant : constant + t.Builder.Scalar(0L);
        return t.Op("Gather", [t.Input(dims), places], ("axis", axis));
    }

    private static Value GatherElements(Trial t)
    {
        var dims = t.Draw.Shape(1, 3);
        var axis = t.Draw.Whole(0, dims.Length - 1);
        long[] shape = [.. dims.Select((d, i) => i == axis ? t.Draw.Size() : t.Draw.Whole(1, (int)d))];
        long[] indices = [.. Enumerable.Range(0, (int)Trial.Count(shape)).Select(_ => t.Draw.Axis((int)dims[axis]))];
        return t.Op("GatherElements", [t.Input(dims), t.Integers(shape, indices)], ("axis", (long)axis));
    }

    private static Value GatherBlocks(Trial t)
    {
        var dims = t.Draw.Shape(1, 3);
        var depth = t.Draw.Whole(1, dims.Length);
        var shape = t.Draw.Shape(0, 2);
        var tuples = Enumerable
            .Range(0, (int)Trial.Count(shape))
            .Select(_ => dims[..depth].Select(d => t.Draw.Axis((int)d)));
        return t.Op("GatherND", t.Input(dims), t.Integers([.. shape, depth], [.. tuples.SelectMany(i => i)]));
    }

    /// <summary>The order in which two elements are placed at one index is nobody's: each line of an axis has its own.</summary>
    private static Value ScatterElements(Trial t)
    {
        var dims = t.Draw.Shape(1, 3);
        var axis = t.Draw.Whole(0, dims.Length - 1);
        long[] shape = [.. dims.Select(d => (long)t.Draw.Whole(1, (int)d))];
        var indices = new long[Trial.Count(shape)];
        var inner = Trial.Count(shape[(axis + 1)..]);
        for (var line = 0; line < indices.Length / shape[axis]; line++)
        {
            var places = t.Draw.Permutation((int)dims[axis]);
            for (var i = 0; i < shape[axis]; i++)
            {
                indices[(((line / inner * shape[axis]) + i) * inner) + (line % inner)] = places[i];
            }
        }

        return t.Op(
            "ScatterElements",
            [t.Input(dims), t.Integers(shape, indices), t.Input(shape)],
            [("axis", (long)axis), .. Reduction(t)]
        );
    }

    /// <summary>Blocks at different indices of the first axis.</summary>
    private static Value ScatterBlocks(Trial t)
    {
        var dims = t.Draw.Shape(1, 3);
        var depth = t.Draw.Whole(1, dims.Length);
        var places = t.Draw.Permutation((int)dims[0])[..t.Draw.Whole(1, (int)dims[0])];
        var tuples = places.SelectMany(p => dims[1..depth].Select(d => t.Draw.Axis((int)d)).Prepend(p));
        return t.Op(
            "ScatterND",
            [
                t.Input(dims),
                t.Integers([places.Length, depth], [.. tuples]),
                t.Input([places.Length, .. dims[depth..]]),
            ],
            [.. Reduction(t)]
        );
    }

    private static (string, AttributeValue)[] Reduction(Trial t) =>
        t.Builder.Opset < 16 || t.Draw.Flag() ? [] : [("reduction", t.Draw.Pick("none", "add"))];
}
