using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>
/// QDrop's random choices (Wei et al., ICLR 2022): at each site of a graph elements are taken from one of two values. The
/// choices are cut out of one pool of random bits at places that are new in every step: ONNX's own random operators run on
/// one thread and would take longer than the convolutions.
/// </summary>
/// <param name="editor">The graph.</param>
internal sealed class DropSites(GraphEditor editor)
{
    /// <summary>The input that takes the pool.</summary>
    public const string PoolName = "drop_pool";

    /// <summary>The input that takes each site's place in the pool.</summary>
    public const string PlacesName = "drop_places";

    /// <summary>How many places a site has.</summary>
    public const int Places = 1 << 20;

    private readonly List<long> sizes = [];

    /// <summary>The number of sites.</summary>
    public int Count => sizes.Count;

    /// <summary>The bits that the pool must hold.</summary>
    public long PoolSize => sizes.Count == 0 ? 0 : sizes.Max() + Places;

    /// <summary>Adds a site: the pool's ones take the first value.</summary>
    /// <param name="first">A value.</param>
    /// <param name="second">Another of its shape.</param>
    /// <param name="dims">That shape.</param>
    /// <param name="output">The result's name.</param>
    public void Add(string first, string second, long[] dims, string output)
    {
        var size = dims.Aggregate(1L, (a, b) => a * b);
        var index = editor.Integers(sizes.Count);
        sizes.Add(size);
        var start = editor.Node("Gather", $"{output}_drop_start", [PlacesName, index]);
        var end = editor.Node("Add", $"{output}_drop_end", [start, editor.Integers(size)]);
        var flat = editor.Node("Slice", $"{output}_drop_bits", [PoolName, start, end, editor.Integers(0)]);
        var mask = editor.Node("Reshape", $"{output}_drop", [flat, editor.Integers(dims)]);
        editor.NodeTo(output, "Where", [mask, first, second]);
    }

    /// <summary>Declares the inputs, once all sites are known.</summary>
    public void DeclareInputs()
    {
        if (Count > 0)
        {
            editor.Graph.Inputs.Add(new(PoolName, ElementType.Bool, TensorShape.Of(PoolSize)));
            editor.Graph.Inputs.Add(new(PlacesName, ElementType.Int64, TensorShape.Of(Count)));
        }
    }
}
