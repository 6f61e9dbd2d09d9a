namespace DiffusionQuant.Engine.Tests.Gradients.Reference;

/// <summary>Pooling over windows and over whole images.</summary>
internal static class PoolingReference
{
    public static void AddTo(ReferenceGraph table)
    {
        table.Add("AveragePool", Average);
        table.Add("MaxPool", c => Windows(c, Kernel(c), v => v.Max()));
        table.Add("GlobalMaxPool", c => Global(c, v => v.Max()));
        table.Add("GlobalAveragePool", c => Global(c, v => v.Average()));
    }

    private static NdArray Average(ReferenceCall c)
    {
        var kernel = Kernel(c);
        var countsPads = c.Node.Int("count_include_pad") != 0;
        return Windows(c, kernel, v => countsPads ? v.Sum() / NdArray.Count(kernel) : v.Average());
    }

    private static int[] Kernel(ReferenceCall c) => [.. c.Node.Ints("kernel_shape")!.Select(k => (int)k)];

    private static NdArray Windows(ReferenceCall c, int[] kernel, Func<IEnumerable<double>, double> function)
    {
        var window = new ReferenceWindow(c.Node, c.X.Dims[2..], kernel);
        return NdArray.Of(
            [.. c.X.Dims[..2], .. window.Outputs()],
            place => function(window.Inside(place[2..]).Select(p => c.X[[.. place[..2], .. p.Source]]))
        );
    }

    private static NdArray Global(ReferenceCall c, Func<IEnumerable<double>, double> function) =>
        NdArray.Of(
            [.. c.X.Dims[..2], .. c.X.Dims[2..].Select(_ => 1)],
            place => function(NdArray.Places(c.X.Dims[2..]).Select(p => c.X[[.. place[..2], .. p]]))
        );
}
