namespace DiffusionQuant.Engine.Tests.Gradients.Reference;

/// <summary>Convolutions of any number of spatial dimensions.</summary>
internal static class ConvolutionReference
{
    public static void AddTo(ReferenceGraph table)
    {
        table.Add("Conv", Conv);
        table.Add("ConvTranspose", ConvTranspose);
    }

    private static NdArray Conv(ReferenceCall c)
    {
        var weight = c[1];
        var group = (int)c.Node.Int("group", 1);
        var (channels, perGroup) = (weight.Dims[1], weight.Dims[0] / group);
        var window = new ReferenceWindow(c.Node, c.X.Dims[2..], weight.Dims[2..]);
        return NdArray.Of(
            [c.X.Dims[0], weight.Dims[0], .. window.Outputs()],
            place =>
            {
                var sum = c.Find(2)?.Values[place[1]] ?? 0;
                foreach (var (kernel, source) in window.Inside(place[2..]))
                {
                    for (var channel = 0; channel < channels; channel++)
                    {
                        var input = (place[1] / perGroup * channels) + channel;
                        sum += c.X[[place[0], input, .. source]] * weight[[place[1], channel, .. kernel]];
                    }
                }

                return sum;
            }
        );
    }

    /// <summary>Every element of the input adds its share of the kernel to the output.</summary>
    private static NdArray ConvTranspose(ReferenceCall c)
    {
        var weight = c[1];
        var group = (int)c.Node.Int("group", 1);
        var (inputs, outputs) = (c.X.Dims[1] / group, weight.Dims[1]);
        var window = new ReferenceWindow(c.Node, c.X.Dims[2..], weight.Dims[2..]);
        var result = NdArray.Of(
            [c.X.Dims[0], outputs * group, .. window.TransposedOutputs()],
            place => c.Find(2)?.Values[place[1]] ?? 0
        );
        foreach (var place in NdArray.Places(c.X.Dims))
        {
            foreach (var kernel in NdArray.Places(weight.Dims[2..]))
            {
                var target = window.Source(place[2..], kernel);
                if (!ReferenceWindow.IsInside(target, result.Dims[2..]))
                {
                    continue;
                }

                for (var output = 0; output < outputs; output++)
                {
                    var channel = (place[1] / inputs * outputs) + output;
                    result.Values[result.Offset([place[0], channel, .. target])] +=
                        c.X[place] * weight[[place[1], output, .. kernel]];
                }
            }
        }

        return result;
    }
}
