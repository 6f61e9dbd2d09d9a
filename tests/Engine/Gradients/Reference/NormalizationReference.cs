namespace DiffusionQuant.Engine.Tests.Gradients.Reference;

/// <summary>Normalisations.</summary>
internal static class NormalizationReference
{
    public static void AddTo(ReferenceGraph table)
    {
        table.Add("InstanceNormalization", Instance);
        table.Add("GroupNormalization", Group);
        table.Add("BatchNormalization", Batch);
        table.Add("LayerNormalization", c => Layer(c, isCentred: true));
        table.Add("RMSNormalization", c => Layer(c, isCentred: false));
        table.Add("SimplifiedLayerNormalization", c => Layer(c, isCentred: false));
        table.Add("com.microsoft", "SkipLayerNormalization", c => Skip(c, isCentred: true));
        table.Add("com.microsoft", "SkipSimplifiedLayerNormalization", c => Skip(c, isCentred: false));
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

    private static NdArray Layer(ReferenceCall c, bool isCentred)
    {
        var axis = c.Axis(-1);
        int[] rows = [NdArray.Count(c.X.Dims[..axis]), NdArray.Count(c.X.Dims[axis..])];
        var normalized = Standardized(c.X.Reshaped(rows), Epsilon(c), isCentred).Reshaped(c.X.Dims);
        return Scaled(normalized, c[1], c.Find(2));
    }

    /// <summary>The outputs between the normalized sum and the sum are statistics, which nothing here reads.</summary>
    private static NdArray[] Skip(ReferenceCall c, bool isCentred)
    {
        var bias = c.Find(isCentred ? 4 : 3);
        var sum = NdArray.Of(c.X.Dims, p => c.X[p] + c[1].Broadcast(p) + (bias?.Broadcast(p) ?? 0));
        var normalized = Standardized(sum, Epsilon(c, 1e-12f), isCentred);
        return [Scaled(normalized, c[2], isCentred ? c.Find(3) : null), sum, sum, sum];
    }

    private static NdArray Scaled(NdArray normalized, NdArray scale, NdArray? bias) =>
        NdArray.Of(
            normalized.Dims,
            place => (normalized[place] * scale.Broadcast(place)) + (bias?.Broadcast(place) ?? 0)
        );

    private static NdArray Batch(ReferenceCall c) =>
        NdArray.Of(
            c.X.Dims,
            p =>
            {
                double At(int input) => c[input].Values[p[1]];
                return ((c.X[p] - At(3)) / Math.Sqrt(At(4) + Epsilon(c)) * At(1)) + At(2);
            }
        );

    private static double Epsilon(ReferenceCall c, float fallback = 1e-5f) => c.Node.Float("epsilon", fallback);

    /// <summary>Mean 0, where it is centred, and mean square 1 along the last axis.</summary>
    private static NdArray Standardized(NdArray x, double epsilon, bool isCentred = true)
    {
        var count = x.Dims[^1];
        var values = new double[x.Values.Length];
        for (var start = 0; start < values.Length; start += count)
        {
            var row = x.Values[start..(start + count)];
            var mean = isCentred ? row.Average() : 0;
            var variance = row.Average(v => (v - mean) * (v - mean));
            for (var i = 0; i < count; i++)
            {
                values[start + i] = (row[i] - mean) / Math.Sqrt(variance + epsilon);
            }
        }

        return new(x.Dims, values);
    }
}
