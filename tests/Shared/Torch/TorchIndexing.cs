using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace DiffusionQuant.Tests.Shared;

/// <summary>Operators that pick or place elements by index.</summary>
internal static class TorchIndexing
{
    public static void AddTo(Action<string, Func<TorchCall, Tensor>> add)
    {
        add("Slice", Slice);
        add("Gather", Gather);
        add("GatherElements", c => torch.gather(c.X, c.Axis(0), FromStart(c[1], c.X.shape[c.Axis(0)])));
        add("GatherND", GatherBlocks);
        add("ScatterElements", ScatterElements);
        add("ScatterND", ScatterBlocks);
    }

    /// <summary>Indices counted from the end, counted from the start.</summary>
    private static Tensor FromStart(Tensor indices, long size) => torch.where(indices.lt(0), indices + size, indices);

    private static Tensor Slice(TorchCall c)
    {
        var (starts, ends) = (c.Integers("starts", 1)!, c.Integers("ends", 2)!);
        var axes = c.Integers("axes", 3) ?? [.. Enumerable.Range(0, starts.Length).Select(a => (long)a)];
        var steps = c.Find(4)?.data<long>().ToArray() ?? [.. Enumerable.Repeat(1L, starts.Length)];
        var x = c.X;
        for (var i = 0; i < axes.Length; i++)
        {
            var axis = axes[i] < 0 ? axes[i] + c.Rank : axes[i];
            var (size, step) = (x.shape[axis], steps[i]);
            long Within(long place, long least, long most) =>
                Math.Clamp(place < 0 ? Math.Max(place, -size - 1) + size : place, least, most);
            var start = step > 0 ? Within(starts[i], 0, size) : Within(starts[i], 0, size - 1);
            var end = step > 0 ? Within(ends[i], 0, size) : Within(ends[i], -1, size - 1);
            var places = new List<long>();
            for (var place = start; step > 0 ? place < end : place > end; place += step)
            {
                places.Add(place);
            }

            x = x.index_select(axis, torch.tensor(places.ToArray()));
        }

        return x;
    }

    private static Tensor Gather(TorchCall c)
    {
        var axis = (int)c.Axis(0);
        var picked = c.X.index_select(axis, FromStart(c[1], c.X.shape[axis]).reshape(-1));
        return picked.reshape([.. c.X.shape[..axis], .. c[1].shape, .. c.X.shape[(axis + 1)..]]);
    }

    /// <summary>Rows of the first axes, joined to one, and the place of each tuple of indices among them.</summary>
    private static (Tensor Rows, Tensor Places) Blocks(TorchCall c)
    {
        var depth = (int)c[1].shape[^1];
        var rows = c.X.shape[..depth];
        var places = torch.zeros(c[1].shape[..^1], torch.ScalarType.Int64);
        for (var i = 0; i < depth; i++)
        {
            places = (places * rows[i]) + FromStart(c[1].select(-1, i), rows[i]);
        }

        return (c.X.reshape(rows.Aggregate(1L, (a, b) => a * b), -1), places.reshape(-1));
    }

    private static Tensor GatherBlocks(TorchCall c)
    {
        var (rows, places) = Blocks(c);
        return rows.index_select(0, places).reshape([.. c[1].shape[..^1], .. c.X.shape[(int)c[1].shape[^1]..]]);
    }

    private static Tensor ScatterElements(TorchCall c)
    {
        var axis = c.Axis(0);
        return Scatter(c, c.X, axis, FromStart(c[1], c.X.shape[axis]), c[2]);
    }

    private static Tensor ScatterBlocks(TorchCall c)
    {
        var (rows, places) = Blocks(c);
        var updates = c[2].reshape(places.numel(), -1);
        var indices = places.unsqueeze(1).expand(updates.shape);
        return Scatter(c, rows, 0, indices, updates).reshape(c.X.shape);
    }

    private static Tensor Scatter(TorchCall c, Tensor x, long axis, Tensor indices, Tensor updates) =>
        c.Node.Text("reduction", "none") switch
        {
            "none" => x.scatter(axis, indices, updates),
            "add" => torch.scatter_add(x, axis, indices, updates),
            var reduction => throw new NotSupportedException($"{c.Node.OpType} by {reduction}"),
        };
}
