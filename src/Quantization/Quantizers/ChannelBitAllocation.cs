namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>
/// Gives the output channels of one weight N − 1, N or N + 1 bits, as many of them more as less, so that their mean stays N:
/// the outlier-driven mixed quantization of MPQ-DM (Feng et al., AAAI 2025).
/// </summary>
public static class ChannelBitAllocation
{
    /// <summary>The most groups that are raised, and that are lowered.</summary>
    public const int MostGroups = 5;

    /// <summary>
    /// The allocations to choose from: for j = 0, 1 … 5 the first j groups of k channels get a bit more, the last j a bit
    /// less; k is a tenth of the channels, 1 at least.
    /// </summary>
    /// <param name="order">The channels' numbers; those that deserve more bits come first.</param>
    /// <param name="bits">N, 2 to 7.</param>
    /// <param name="extraShare">
    /// The share of channels, rounded down, that get a bit more besides, without any that gets less (MPQ-DM+). They are the next
    /// ones of the order. There are fewer groups where they would meet the lowered channels.
    /// </param>
    /// <returns>For each allocation the bits of every channel, by the channel's number.</returns>
    public static IReadOnlyList<int[]> Candidates(IReadOnlyList<int> order, int bits, double extraShare = 0)
    {
        var channels = order.Count;
        var group = Math.Max(channels / 10, 1);
        // 0.1 is not exact in binary; a tenth of 10 channels is one of them.
        var extra = (int)Math.Floor((extraShare * channels) + 1e-9);
        var groups = Math.Min(MostGroups, (channels - extra) / (2 * group));
        return [.. Enumerable.Range(0, groups + 1).Select(j => Allocation(j * group))];

        int[] Allocation(int shifted)
        {
            var result = new int[channels];
            for (var i = 0; i < channels; i++)
            {
                result[order[i]] =
                    i < shifted + extra ? bits + 1
                    : i >= channels - shifted ? bits - 1
                    : bits;
            }

            return result;
        }
    }

    /// <summary>The allocation of the least error; of several the first.</summary>
    /// <param name="candidates">From <see cref="Candidates"/>.</param>
    /// <param name="error">The squared error of a channel (first argument) at a number of bits (second argument).</param>
    public static int[] Best(IReadOnlyList<int[]> candidates, Func<int, int, double> error) =>
        candidates.MinBy(c => c.Select((bits, channel) => error(channel, bits)).Sum())!;
}
