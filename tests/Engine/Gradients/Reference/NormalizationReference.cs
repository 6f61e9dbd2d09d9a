namespace DiffusionQuant.Engine.Tests.Gradients.Reference;

/// <summary>Normalisations.</summary>
internal static class NormalizationReference
{
    public static void AddTo(ReferenceGraph table)
    {
        table.Add("InstanceNormalization", Instance);
        table.Add("GroupNormalization", Group);
        table.Add("LayerNormalization", Layer);
    }

    private static NdArray Instance(ReferenceCall c)
    {
        int[] rows = [c.X.Dims[0], c.X.Dims[1], NdArray.Count(c.X.Dims[2..])];
        var normalized = Standardized(c.X.Reshaped(rows), Epsilon(c));
        return NdArray
            .Of(rows, place => (normalized[place] * c[1].Values[place[1]]) + c[2].Values[place[1]])
            .Reshaped(c.X.Dims);
    }

    /// <summary>Up to opset 20 scale and bias are those of groups, from 21 on those of channels.</summary>
    private static NdArray Group(ReferenceCall c)
    {
        var groups = (int)c.Node.Int("num_groups");
        var perGroup = c.X.Dims[1] / groups;
        int[] rows = [c.X.Dims[0], groups, perGroup, NdArray.Count(c.X.Dims[2..])];
        var normalized = Standardized(c.X.Reshaped(rows[0], groups, perGroup * rows[3]), Epsilon(c)).Reshaped(rows);
        return NdArray
            .Of(
                rows,
                place =>
                {
                    var entry = c.Opset < 21 ? place[1] : (place[1] * perGroup) + place[2];
                    return (normalized[place] * c[1].Values[entry]) + c[2].Values[entry];
                }
            )
            .Reshaped(c.X.Dims);
    }

    private static NdArray Layer(ReferenceCall c)
    {
        var axis = c.Axis(-1);
        int[] rows = [NdArray.Count(c.X.Dims[..axis]), NdArray.Count(c.X.Dims[axis..])];
        var normalized = Standardized(c.X.Reshaped(rows), Epsilon(c)).Reshaped(c.X.Dims);
        return NdArray.Of(
            c.X.Dims,
            place => (normalized[place] * c[1].Broadcast(place)) + (c.Find(2)?.Broadcast(place) ?? 0)
        );
    }

    private static double Epsilon(ReferenceCall c) => c.Node.Float("epsilon", 1e-5f);

    /// <summary>Mean 0 and variance 1 along the last axis.</summary>
    private static NdArray Standardized(NdArray x, double epsilon)
    {
        var count = x.Dims[^1];
        var values = new double[x.Values.Length];
        for (var start = 0; start < values.Length; start += count)
        {
            var row = x.Values[start..(start + count)];
            var mean = row.Average();
            var variance = row.Average(v => (v - mean) * (v - mean));
            for (var i = 0; i < count; i++)
            {
                values[start + i] = (row[i] - mean) / Math.Sqrt(variance + epsilon);
            }
        }

        return new(x.Dims, values);
    }
}
