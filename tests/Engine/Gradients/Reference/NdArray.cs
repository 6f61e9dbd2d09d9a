using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Tests.Gradients.Reference;

/// <summary>A dense array in double precision; integers and truth values are numbers of it too.</summary>
internal sealed class NdArray(int[] dims, double[] values)
{
    public int[] Dims => dims;

    public double[] Values => values;

    public int Rank => dims.Length;

    public long[] Integers => Array.ConvertAll(values, v => (long)v);

    public double this[params ReadOnlySpan<int> place] => values[Offset(place)];

    /// <summary>An array whose elements follow from their places. The place is one array that changes from call to call.</summary>
    public static NdArray Of(int[] dims, Func<int[], double> element)
    {
        var values = new double[Count(dims)];
        var i = 0;
        foreach (var place in Places(dims))
        {
            values[i++] = element(place);
        }

        return new(dims, values);
    }

    public static NdArray Of(OnnxTensor tensor) =>
        new(
            [.. tensor.Dims.ToArray().Select(d => (int)d)],
            tensor.ElementType switch
            {
                ElementType.Float => Array.ConvertAll(tensor.Span<float>().ToArray(), v => (double)v),
                ElementType.Double => tensor.Span<double>().ToArray(),
                _ => Array.ConvertAll(tensor.ToInt64s(), v => (double)v),
            }
        );

    public static int Count(IEnumerable<int> dims) => dims.Aggregate(1, (a, b) => a * b);

    /// <summary>All places, the last axis fastest, in one array that changes from step to step.</summary>
    public static IEnumerable<int[]> Places(int[] dims)
    {
        var place = new int[dims.Length];
        for (var left = Count(dims); left > 0; left--)
        {
            yield return place;
            for (var axis = dims.Length - 1; axis >= 0 && ++place[axis] == dims[axis]; axis--)
            {
                place[axis] = 0;
            }
        }
    }

    public static int[] BroadcastDims(params IEnumerable<NdArray> arrays)
    {
        var rank = arrays.Max(a => a.Rank);
        var dims = Enumerable.Repeat(1, rank).ToArray();
        foreach (var array in arrays)
        {
            for (var i = 0; i < array.Rank; i++)
            {
                var axis = rank - array.Rank + i;
                dims[axis] = array.Dims[i] == 1 ? dims[axis] : array.Dims[i];
            }
        }

        return dims;
    }

    public int Offset(ReadOnlySpan<int> place)
    {
        var offset = 0;
        for (var i = 0; i < dims.Length; i++)
        {
            offset = (offset * dims[i]) + place[i];
        }

        return offset;
    }

    /// <summary>The element that broadcasting puts at a place of a larger array.</summary>
    public double Broadcast(ReadOnlySpan<int> place) => values[BroadcastOffset(place)];

    public int BroadcastOffset(ReadOnlySpan<int> place)
    {
        var offset = 0;
        var lead = place.Length - dims.Length;
        for (var i = 0; i < dims.Length; i++)
        {
            offset = (offset * dims[i]) + (dims[i] == 1 ? 0 : place[lead + i]);
        }

        return offset;
    }

    public NdArray Reshaped(params int[] newDims) => new(newDims, values);

    public NdArray Map(Func<double, double> function) => new(dims, Array.ConvertAll(values, v => function(v)));

    public NdArray Transposed(params int[] perm)
    {
        var source = new int[perm.Length];
        return Of(
            [.. perm.Select(p => dims[p])],
            place =>
            {
                for (var i = 0; i < perm.Length; i++)
                {
                    source[perm[i]] = place[i];
                }

                return this[source];
            }
        );
    }
}
