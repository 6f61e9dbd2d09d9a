namespace DiffusionQuant.Engine.Tests.Gradients.Reference;

/// <summary>Operators that permute, repeat or mask elements.</summary>
internal static class RearrangingReference
{
    public static void AddTo(ReferenceGraph table)
    {
        table.Add("Transpose", Transpose);
        table.Add("Expand", Expand);
        table.Add("DepthToSpace", DepthToSpace);
        table.Add("SpaceToDepth", SpaceToDepth);
        table.Add("Tile", Tile);
        table.Add("Trilu", Trilu);
        table.Add("CumSum", CumulativeSum);
    }

    private static NdArray Transpose(ReferenceCall c) =>
        c.X.Transposed(
            c.Node.Ints("perm")?.Select(p => (int)p).ToArray() ?? [.. Enumerable.Range(0, c.X.Rank).Reverse()]
        );

    private static NdArray Expand(ReferenceCall c)
    {
        var shape = new NdArray([.. c[1].Integers.Select(d => (int)d)], []);
        return NdArray.Of(NdArray.BroadcastDims(c.X, shape), place => c.X.Broadcast(place));
    }

    private static NdArray DepthToSpace(ReferenceCall c)
    {
        var block = (int)c.Node.Int("blocksize");
        var channels = c.X.Dims[1] / (block * block);
        var isDepthFirst = c.Node.Text("mode", "DCR") == "DCR";
        return NdArray.Of(
            [c.X.Dims[0], channels, c.X.Dims[2] * block, c.X.Dims[3] * block],
            p =>
            {
                var within = (p[2] % block * block) + (p[3] % block);
                var channel = isDepthFirst ? (within * channels) + p[1] : (p[1] * block * block) + within;
                return c.X[p[0], channel, p[2] / block, p[3] / block];
            }
        );
    }

    private static NdArray SpaceToDepth(ReferenceCall c)
    {
        var block = (int)c.Node.Int("blocksize");
        var channels = c.X.Dims[1];
        return NdArray.Of(
            [c.X.Dims[0], channels * block * block, c.X.Dims[2] / block, c.X.Dims[3] / block],
            p =>
            {
                var within = p[1] / channels;
                return c.X[p[0], p[1] % channels, (p[2] * block) + (within / block), (p[3] * block) + (within % block)];
            }
        );
    }

    private static NdArray Tile(ReferenceCall c) =>
        NdArray.Of(
            [.. c.X.Dims.Select((d, i) => d * (int)c[1].Values[i])],
            place => c.X[[.. place.Select((p, i) => p % c.X.Dims[i])]]
        );

    private static NdArray Trilu(ReferenceCall c)
    {
        var shift = c.Find(1)?.Values[0] ?? 0;
        var isUpper = c.Node.Int("upper", 1) != 0;
        return NdArray.Of(c.X.Dims, p => (isUpper ? p[^1] - p[^2] >= shift : p[^1] - p[^2] <= shift) ? c.X[p] : 0);
    }

    private static NdArray CumulativeSum(ReferenceCall c)
    {
        var axis = (int)c[1].Values[0];
        axis = axis < 0 ? axis + c.X.Rank : axis;
        var (excludes, isReverse) = (c.Node.Int("exclusive") != 0, c.Node.Int("reverse") != 0);
        return NdArray.Of(
            c.X.Dims,
            place =>
            {
                int[] source = [.. place];
                var sum = 0.0;
                for (source[axis] = 0; source[axis] < c.X.Dims[axis]; source[axis]++)
                {
                    var distance = isReverse ? source[axis] - place[axis] : place[axis] - source[axis];
                    sum += distance > 0 || (distance == 0 && !excludes) ? c.X[source] : 0;
                }

                return sum;
            }
        );
    }
}
