namespace DiffusionQuant.Engine.Tests.Gradients.Reference;

/// <summary>Matrix products.</summary>
internal static class MatrixReference
{
    public static void AddTo(ReferenceGraph table)
    {
        table.Add("MatMul", c => MatMul(c.X, c[1]));
        table.Add("Gemm", Gemm);
        table.Add("com.microsoft", "FusedMatMul", c => [Fused(c)]);
        table.Add("Einsum", Einsum);
    }

    /// <summary>numpy's matmul.</summary>
    private static NdArray MatMul(NdArray a, NdArray b)
    {
        var left = a.Rank == 1 ? a.Reshaped(1, a.Dims[0]) : a;
        var right = b.Rank == 1 ? b.Reshaped(b.Dims[0], 1) : b;
        var batch = NdArray.BroadcastDims(new NdArray(left.Dims[..^2], []), new NdArray(right.Dims[..^2], []));
        var product = NdArray.Of(
            [.. batch, left.Dims[^2], right.Dims[^1]],
            place =>
            {
                var sum = 0.0;
                for (var k = 0; k < left.Dims[^1]; k++)
                {
                    sum += left.Broadcast([.. place[..^1], k]) * right.Broadcast([.. place[..^2], k, place[^1]]);
                }

                return sum;
            }
        );
        int[] rows = a.Rank == 1 ? [] : [left.Dims[^2]];
        int[] columns = b.Rank == 1 ? [] : [right.Dims[^1]];
        return product.Reshaped([.. batch, .. rows, .. columns]);
    }

    private static NdArray Fused(ReferenceCall c)
    {
        NdArray Turned(NdArray array, string attribute) =>
            c.Node.Int(attribute) == 0
                ? array
                : array.Transposed([.. Enumerable.Range(0, array.Rank - 2), array.Rank - 1, array.Rank - 2]);

        double alpha = c.Node.Float("alpha", 1);
        return MatMul(Turned(c.X, "transA"), Turned(c[1], "transB")).Map(v => alpha * v);
    }

    private static NdArray Gemm(ReferenceCall c)
    {
        var (transA, transB) = (c.Node.Int("transA") != 0, c.Node.Int("transB") != 0);
        double alpha = c.Node.Float("alpha", 1);
        double beta = c.Node.Float("beta", 1);
        var (a, b) = (transA ? c.X.Transposed(1, 0) : c.X, transB ? c[1].Transposed(1, 0) : c[1]);
        var product = MatMul(a, b);
        return NdArray.Of(
            product.Dims,
            place => (alpha * product[place]) + (c.Find(2) is { } bias ? beta * bias.Broadcast(place) : 0)
        );
    }

    /// <summary>The sum over all values of all letters.</summary>
    private static NdArray Einsum(ReferenceCall c)
    {
        var sides = c.Node.Text("equation").Replace(" ", "", StringComparison.Ordinal).Split("->");
        var terms = sides[0].Split(',');
        char[] letters = [.. string.Concat(terms).Distinct()];
        int[] Of(string term) => [.. term.Select(l => Array.IndexOf(letters, l))];
        var operands = c.Inputs.Zip(terms, (array, term) => (Array: array, Letters: Of(term))).ToArray();
        var sizes = new int[letters.Length];
        foreach (var (array, places) in operands)
        {
            for (var i = 0; i < places.Length; i++)
            {
                sizes[places[i]] = array.Dims[i];
            }
        }

        var target = Of(sides[1]);
        var result = new NdArray(
            [.. target.Select(l => sizes[l])],
            new double[NdArray.Count(target.Select(l => sizes[l]))]
        );
        foreach (var place in NdArray.Places(sizes))
        {
            var product = 1.0;
            foreach (var (array, places) in operands)
            {
                product *= array[Array.ConvertAll(places, l => place[l])];
            }

            result.Values[result.Offset(Array.ConvertAll(target, l => place[l]))] += product;
        }

        return result;
    }
}
