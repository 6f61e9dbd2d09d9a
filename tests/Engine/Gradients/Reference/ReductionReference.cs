namespace DiffusionQuant.Engine.Tests.Gradients.Reference;

/// <summary>Reductions along axes.</summary>
internal static class ReductionReference
{
    public static void AddTo(ReferenceGraph table)
    {
        foreach (
            var (opType, function) in new (string, Func<List<double>, double>)[]
            {
                ("ReduceSum", v => v.Sum()),
                ("ReduceMean", v => v.Average()),
                ("ReduceSumSquare", v => v.Sum(e => e * e)),
                ("ReduceL1", v => v.Sum(Math.Abs)),
                ("ReduceL2", v => Math.Sqrt(v.Sum(e => e * e))),
                ("ReduceLogSum", v => Math.Log(v.Sum())),
                ("ReduceLogSumExp", v => Math.Log(v.Sum(Math.Exp))),
                ("ReduceMax", v => v.Max()),
                ("ReduceMin", v => v.Min()),
                ("ReduceProd", v => v.Aggregate((a, b) => a * b)),
            }
        )
        {
            table.Add(opType, c => Reduce(c, function));
        }
    }

    private static NdArray Reduce(ReferenceCall c, Func<List<double>, double> function)
    {
        // With no axes each element is reduced alone, as ONNX Runtime has it.
        var axes =
            c.Integers("axes", 1) is { Length: > 0 } given ? given
            : c.Node.Int("noop_with_empty_axes") != 0 ? []
            : [.. Enumerable.Range(0, c.X.Rank)];
        var reduced = axes.Select(a => (int)(a < 0 ? a + c.X.Rank : a)).ToHashSet();
        int[] kept = [.. c.X.Dims.Select((d, i) => reduced.Contains(i) ? 1 : d)];
        var lists = Enumerable.Range(0, NdArray.Count(kept)).Select(_ => new List<double>()).ToArray();
        var target = new NdArray(kept, []);
        foreach (var place in NdArray.Places(c.X.Dims))
        {
            lists[target.Offset([.. place.Select((p, i) => reduced.Contains(i) ? 0 : p)])].Add(c.X[place]);
        }

        var result = new NdArray(kept, Array.ConvertAll(lists, l => function(l)));
        return c.Node.Int("keepdims", 1) != 0
            ? result
            : result.Reshaped([.. c.X.Dims.Where((_, i) => !reduced.Contains(i))]);
    }
}
