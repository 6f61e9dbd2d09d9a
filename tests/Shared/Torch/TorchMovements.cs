using TorchSharp;
using F = TorchSharp.torch.nn.functional;
using Tensor = TorchSharp.torch.Tensor;

namespace DiffusionQuant.Tests.Shared;

/// <summary>Operators that pass elements on, repeat, join, cut or permute them.</summary>
internal static class TorchMovements
{
    public static void AddTo(
        Action<string, Func<TorchCall, Tensor>> add,
        Action<string, Func<TorchCall, Tensor[]>> addMany
    )
    {
        add("Identity", c => c.X);
        add("Dropout", c => c.X);
        add("Shape", c => torch.tensor(c.X.shape));
        add("Cast", Cast);
        add("Reshape", Reshape);
        add("Flatten", Flatten);
        add("Squeeze", Squeeze);
        add("Unsqueeze", Unsqueeze);
        add("Concat", c => torch.cat(c.Inputs.ToArray(), c.Axis(0)));
        addMany("Split", Split);
        add("Pad", Pad);
        add("Transpose", Transpose);
        // The shape may have ones where the value has more.
        add("Expand", c => c.X + torch.zeros(c[1].data<long>().ToArray()));
        add("Tile", c => c.X.repeat(c[1].data<long>().ToArray()));
        add("Trilu", c => c.Node.Int("upper", 1) != 0 ? c.X.triu(Diagonal(c)) : c.X.tril(Diagonal(c)));
        add("CumSum", CumulativeSum);
        add("DepthToSpace", DepthToSpace);
        add("SpaceToDepth", SpaceToDepth);
    }

    private static long Diagonal(TorchCall c) => c.Find(1) is { } k ? k.item<long>() : 0;

    private static Tensor Cast(TorchCall c) =>
        c.X.to_type(
            c.Node.Int("to") switch
            {
                1 => torch.ScalarType.Float32,
                7 => torch.ScalarType.Int64,
                11 => torch.ScalarType.Float64,
                var type => throw new NotSupportedException($"a cast to type {type}"),
            }
        );

    private static Tensor Reshape(TorchCall c)
    {
        var shape = c[1].data<long>().ToArray();
        return c.X.reshape([.. shape.Select((d, i) => d == 0 ? c.X.shape[i] : d)]);
    }

    private static Tensor Flatten(TorchCall c)
    {
        var axis = (int)c.Axis(1);
        var rows = c.X.shape[..axis].Aggregate(1L, (a, b) => a * b);
        return c.X.reshape(rows, c.X.numel() / rows);
    }

    private static Tensor Squeeze(TorchCall c)
    {
        var axes = c.Integers("axes", 1);
        return axes is null
            ? c.X.squeeze()
            : axes.Select(a => a < 0 ? a + c.Rank : a).OrderDescending().Aggregate(c.X, (x, a) => x.squeeze(a));
    }

    private static Tensor Unsqueeze(TorchCall c)
    {
        var axes = c.Integers("axes", 1)!;
        var rank = c.Rank + axes.Length;
        return axes.Select(a => a < 0 ? a + rank : a).Order().Aggregate(c.X, (x, a) => x.unsqueeze(a));
    }

    private static Tensor[] Split(TorchCall c)
    {
        var axis = c.Axis(0);
        var (size, parts) = (c.X.shape[axis], c.Node.Outputs.Count);
        var sizes = c.Integers("split", 1) ?? [.. Enumerable.Repeat(size / parts, parts)];
        return c.X.split(sizes, axis);
    }

    /// <summary>Mirrored places are picked by their indices, axis by axis.</summary>
    private static Tensor Pad(TorchCall c)
    {
        var pads = c[1].data<long>().ToArray();
        var count = pads.Length / 2;
        var axes = c.Find(3)?.data<long>().ToArray() ?? [.. Enumerable.Range(0, c.Rank).Select(a => (long)a)];
        var mode = c.Node.Text("mode", "constant");
        var x = c.X;
        for (var i = 0; i < count; i++)
        {
            var axis = axes[i] < 0 ? axes[i] + c.Rank : axes[i];
            var size = x.shape[axis];
            var (begin, end) = (pads[i], pads[i + count]);
            long[] places = [.. Enumerable.Range(0, (int)(size + begin + end)).Select(p => p - begin)];
            if (mode == "constant")
            {
                var (cut, kept) = (Math.Max(0, -begin), Math.Min(size, size + end));
                x = x.narrow(axis, cut, kept - cut);
                var sides = new long[2 * (c.Rank - axis)];
                (sides[^2], sides[^1]) = (Math.Max(0, begin), Math.Max(0, end));
                x = F.pad(x, sides, value: c.Find(2)?.item<float>() ?? 0);
            }
            else
            {
                x = x.index_select(axis, torch.tensor(places.Select(p => Place(p, size, mode)).ToArray()));
            }
        }

        return x;
    }

    private static long Place(long place, long size, string mode) =>
        mode switch
        {
            "edge" => Math.Clamp(place, 0, size - 1),
            "wrap" => ((place % size) + size) % size,
            _ => place < 0 ? -place
            : place >= size ? (2 * size) - 2 - place
            : place,
        };

    private static Tensor Transpose(TorchCall c) =>
        c.X.permute(c.Node.Ints("perm")?.ToArray() ?? [.. Enumerable.Range(0, c.Rank).Reverse().Select(a => (long)a)]);

    private static Tensor CumulativeSum(TorchCall c)
    {
        var axis = c[1].item<long>();
        var isReverse = c.Node.Int("reverse") != 0;
        var x = isReverse ? c.X.flip(axis) : c.X;
        var sum = c.Node.Int("exclusive") != 0 ? x.cumsum(axis) - x : x.cumsum(axis);
        return isReverse ? sum.flip(axis) : sum;
    }

    private static Tensor DepthToSpace(TorchCall c)
    {
        var (block, dims) = (c.Node.Int("blocksize"), c.X.shape);
        var depth = dims[1] / (block * block);
        var blocks =
            c.Node.Text("mode", "DCR") == "CRD"
                ? c.X.reshape(dims[0], depth, block, block, dims[2], dims[3]).permute(0, 1, 4, 2, 5, 3)
                : c.X.reshape(dims[0], block, block, depth, dims[2], dims[3]).permute(0, 3, 4, 1, 5, 2);
        return blocks.reshape(dims[0], depth, dims[2] * block, dims[3] * block);
    }

    private static Tensor SpaceToDepth(TorchCall c)
    {
        var (block, dims) = (c.Node.Int("blocksize"), c.X.shape);
        return c
            .X.reshape(dims[0], dims[1], dims[2] / block, block, dims[3] / block, block)
            .permute(0, 3, 5, 1, 2, 4)
            .reshape(dims[0], dims[1] * block * block, dims[2] / block, dims[3] / block);
    }
}
