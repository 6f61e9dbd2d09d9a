namespace DiffusionQuant.Engine.Tests.Gradients.Reference;

/// <summary>Operators that pick or place elements by index.</summary>
internal static class IndexingReference
{
    public static void AddTo(ReferenceGraph table)
    {
        table.Add("Slice", Slice);
        table.Add("Gather", Gather);
        table.Add("GatherElements", c => NdArray.Of(c[1].Dims, place => c.X[ElementPlace(c, place)]));
        table.Add("GatherND", GatherBlocks);
        table.Add("ScatterElements", ScatterElements);
        table.Add("ScatterND", ScatterBlocks);
    }

    /// <summary>numpy's slices: places from start on, until end is reached or the axis left.</summary>
    private static NdArray Slice(ReferenceCall c)
    {
        var places = c.X.Dims.Select(d => Enumerable.Range(0, d).ToArray()).ToArray();
        for (var i = 0; i < c[1].Values.Length; i++)
        {
            var axis = (int)(c.Find(3)?.Integers[i] ?? i);
            axis = axis < 0 ? axis + c.X.Rank : axis;
            var size = c.X.Dims[axis];
            var step = (int)(c.Find(4)?.Integers[i] ?? 1);
            var (start, end) = (FromEnd(c[1].Integers[i], size), FromEnd(c[2].Integers[i], size));
            var first = Math.Clamp(start, 0, step > 0 ? size : size - 1);
            var list = new List<int>();
            for (var at = first; at >= 0 && at < size && (step > 0 ? at < end : at > end); at += step)
            {
                list.Add((int)at);
            }

            places[axis] = [.. list];
        }

        return NdArray.Of(
            [.. places.Select(p => p.Length)],
            place => c.X[[.. place.Select((p, axis) => places[axis][p])]]
        );
    }

    private static NdArray Gather(ReferenceCall c)
    {
        var axis = c.Axis(0);
        var indices = c[1];
        return NdArray.Of(
            [.. c.X.Dims[..axis], .. indices.Dims, .. c.X.Dims[(axis + 1)..]],
            place =>
            {
                var index = FromEnd((long)indices[place.AsSpan(axis, indices.Rank)], c.X.Dims[axis]);
                return c.X[[.. place[..axis], (int)index, .. place[(axis + indices.Rank)..]]];
            }
        );
    }

    /// <summary>A place of the indices with the index in the axis' stead.</summary>
    private static int[] ElementPlace(ReferenceCall c, int[] place)
    {
        var axis = c.Axis(0);
        int[] result = [.. place];
        result[axis] = (int)FromEnd((long)c[1][place], c.X.Dims[axis]);
        return result;
    }

    private static NdArray GatherBlocks(ReferenceCall c)
    {
        var depth = c[1].Dims[^1];
        return NdArray.Of(
            [.. c[1].Dims[..^1], .. c.X.Dims[depth..]],
            place => c.X[[.. BlockPlace(c, place[..(c[1].Rank - 1)]), .. place[(c[1].Rank - 1)..]]]
        );
    }

    /// <summary>The leading axes of the block that one tuple of indices names.</summary>
    private static IEnumerable<int> BlockPlace(ReferenceCall c, int[] tuple) =>
        Enumerable.Range(0, c[1].Dims[^1]).Select(i => (int)FromEnd((long)c[1][[.. tuple, i]], c.X.Dims[i]));

    private static NdArray ScatterElements(ReferenceCall c) => Scatter(c, place => ElementPlace(c, place));

    private static NdArray ScatterBlocks(ReferenceCall c)
    {
        var rank = c[1].Rank - 1;
        return Scatter(c, place => [.. BlockPlace(c, place[..rank]), .. place[rank..]]);
    }

    private static NdArray Scatter(ReferenceCall c, Func<int[], int[]> target)
    {
        var adds = c.Node.Text("reduction", "none") == "add";
        var result = c.X.Map(v => v);
        foreach (var place in NdArray.Places(c[2].Dims))
        {
            var offset = result.Offset(target(place));
            result.Values[offset] = (adds ? result.Values[offset] : 0) + c[2][place];
        }

        return result;
    }

    private static long FromEnd(long place, int size) => place < 0 ? place + size : place;
}
