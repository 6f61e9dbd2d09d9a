namespace DiffusionQuant.Engine.Tests.Gradients.Reference;

/// <summary>Operators that pass elements on in their order, join or cut.</summary>
internal static class MovementReference
{
    public static void AddTo(ReferenceGraph table)
    {
        table.Add("Reshape", Reshape);
        table.Add("Flatten", Flatten);
        table.Add("Squeeze", Squeeze);
        table.Add("Unsqueeze", Unsqueeze);
        table.Add("Concat", Concat);
        table.Add("", "Split", Split);
        table.Add("Pad", Pad);
        table.Add("Dropout", c => c.X);
    }

    private static NdArray Reshape(ReferenceCall c)
    {
        int[] dims = [.. c[1].Integers.Select((d, i) => d == 0 ? c.X.Dims[i] : (int)d)];
        var rest = Array.IndexOf(dims, -1);
        if (rest >= 0)
        {
            dims[rest] = c.X.Values.Length / -NdArray.Count(dims);
        }

        return c.X.Reshaped(dims);
    }

    private static NdArray Flatten(ReferenceCall c)
    {
        var axis = c.Axis(1);
        return c.X.Reshaped(NdArray.Count(c.X.Dims[..axis]), NdArray.Count(c.X.Dims[axis..]));
    }

    private static NdArray Squeeze(ReferenceCall c)
    {
        var axes = c.Find(1)?.Integers.Select(a => a < 0 ? a + c.X.Rank : a).ToArray();
        return c.X.Reshaped([.. c.X.Dims.Where((d, i) => axes is null ? d != 1 : !axes.Contains(i))]);
    }

    private static NdArray Unsqueeze(ReferenceCall c)
    {
        var rank = c.X.Rank + c[1].Values.Length;
        var dims = c.X.Dims.ToList();
        foreach (var axis in c[1].Integers.Select(a => (int)(a < 0 ? a + rank : a)).Order())
        {
            dims.Insert(axis, 1);
        }

        return c.X.Reshaped([.. dims]);
    }

    private static NdArray Concat(ReferenceCall c)
    {
        var axis = c.Axis(0);
        int[] dims = [.. c.X.Dims];
        dims[axis] = c.Inputs.Sum(i => i.Dims[axis]);
        return NdArray.Of(
            dims,
            place =>
            {
                int[] source = [.. place];
                foreach (var input in c.Inputs)
                {
                    if (source[axis] < input.Dims[axis])
                    {
                        return input[source];
                    }

                    source[axis] -= input.Dims[axis];
                }

                throw new InvalidOperationException("The place lies behind all inputs.");
            }
        );
    }

    private static NdArray[] Split(ReferenceCall c)
    {
        var axis = c.Axis(0);
        var count = c.Node.Outputs.Count;
        var share = (c.X.Dims[axis] + count - 1) / count;
        var sizes =
            c.Find(1)?.Integers.Select(s => (int)s).ToArray()
            ?? [.. Enumerable.Range(0, count).Select(i => Math.Min(share, c.X.Dims[axis] - (i * share)))];
        var start = 0;
        var parts = new List<NdArray>();
        foreach (var size in sizes)
        {
            int[] dims = [.. c.X.Dims];
            dims[axis] = size;
            var from = start;
            parts.Add(NdArray.Of(dims, place => c.X[[.. place[..axis], place[axis] + from, .. place[(axis + 1)..]]]));
            start += size;
        }

        return [.. parts];
    }

    private static NdArray Pad(ReferenceCall c)
    {
        var rank = c.X.Rank;
        var axes =
            c.Find(3)?.Integers.Select(a => (int)(a < 0 ? a + rank : a)).ToArray() ?? [.. Enumerable.Range(0, rank)];
        var (begins, ends) = (new int[rank], new int[rank]);
        for (var i = 0; i < axes.Length; i++)
        {
            (begins[axes[i]], ends[axes[i]]) = ((int)c[1].Values[i], (int)c[1].Values[i + axes.Length]);
        }

        var mode = c.Node.Text("mode", "constant");
        var filling = c.Find(2)?.Values[0] ?? 0;
        return NdArray.Of(
            [.. c.X.Dims.Select((d, i) => d + begins[i] + ends[i])],
            place =>
            {
                var source = new int[rank];
                for (var i = 0; i < rank; i++)
                {
                    var (at, size) = (place[i] - begins[i], c.X.Dims[i]);
                    if (at >= 0 && at < size)
                    {
                        source[i] = at;
                    }
                    else if (mode == "constant")
                    {
                        return filling;
                    }
                    else
                    {
                        source[i] =
                            mode == "edge" ? Math.Clamp(at, 0, size - 1)
                            : mode == "wrap" ? (at + size) % size
                            : at < 0 ? -at
                            : (2 * (size - 1)) - at;
                    }
                }

                return c.X[source];
            }
        );
    }
}
