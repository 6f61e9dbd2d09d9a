namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>Walks over a weight's elements channel by channel, for any channel axis.</summary>
internal static class WeightChannels
{
    /// <summary>The contiguous runs of elements that belong to one channel, in memory order.</summary>
    public static IEnumerable<(int Channel, int Start, int Length)> Runs(IReadOnlyList<long> dims, int axis)
    {
        var channels = (int)dims[axis];
        var inner = (int)dims.Skip(axis + 1).Aggregate(1L, (a, b) => a * b);
        var outer = (int)dims.Take(axis).Aggregate(1L, (a, b) => a * b);
        for (var o = 0; o < outer; o++)
        {
            for (var c = 0; c < channels; c++)
            {
                yield return (c, ((o * channels) + c) * inner, inner);
            }
        }
    }

    /// <summary>The elements of each channel, gathered.</summary>
    public static T[][] Gather<T>(ReadOnlySpan<T> weight, IReadOnlyList<long> dims, int axis)
    {
        var channels = (int)dims[axis];
        var result = new T[channels][];
        var filled = new int[channels];
        var perChannel = channels == 0 ? 0 : weight.Length / channels;
        foreach (var (channel, start, length) in Runs(dims, axis))
        {
            result[channel] ??= new T[perChannel];
            weight.Slice(start, length).CopyTo(result[channel].AsSpan(filled[channel]));
            filled[channel] += length;
        }

        return result;
    }

    /// <summary>Puts the elements of each channel where <see cref="Gather"/> took them from.</summary>
    public static byte[] Scatter(byte[][] channels, IReadOnlyList<long> dims, int axis)
    {
        var result = new byte[channels.Sum(c => c.Length)];
        var taken = new int[channels.Length];
        foreach (var (channel, start, length) in Runs(dims, axis))
        {
            channels[channel].AsSpan(taken[channel], length).CopyTo(result.AsSpan(start));
            taken[channel] += length;
        }

        return result;
    }
}
