namespace DiffusionQuant.Engine.Tests.Gradients.Reference;

/// <summary>Operators that pick or place elements by index.</summary>
internal static class IndexingReference
{
    public static void AddTo(ReferenceGraph table)
    {
        table.Add("Slice", Slice);
        table.Add("Gather", Gather);
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

    private static long FromEnd(long place, int size) => place < 0 ? place + size : place;
}
