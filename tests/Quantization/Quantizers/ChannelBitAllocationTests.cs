using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Tests.Quantizers;

public class ChannelBitAllocationTests
{
    public static TheoryData<int, int> Sizes()
    {
        var cases = new TheoryData<int, int>();
        foreach (var channels in (int[])[1, 2, 3, 4, 9, 10, 17, 20, 64, 99, 320])
        {
            foreach (var bits in (int[])[2, 3, 4, 7])
            {
                cases.Add(channels, bits);
            }
        }

        return cases;
    }

    private static int[] Order(int channels)
    {
        int[] order = [.. Enumerable.Range(0, channels)];
        new Random(channels).Shuffle(order);
        return order;
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void TheMeanStays(int channels, int bits)
    {
        var order = Order(channels);
        var candidates = ChannelBitAllocation.Candidates(order, bits);
        var group = Math.Max(channels / 10, 1);
        Assert.Equal(1 + Math.Min(5, channels / group / 2), candidates.Count);
        for (var j = 0; j < candidates.Count; j++)
        {
            Assert.Equal(channels * bits, candidates[j].Sum());
            Assert.Equal(Enumerable.Repeat(bits + 1, j * group), order.Take(j * group).Select(c => candidates[j][c]));
            Assert.Equal(
                Enumerable.Repeat(bits - 1, j * group),
                order.TakeLast(j * group).Select(c => candidates[j][c])
            );
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void MoreChannelsCanBeRaisedThanLowered(int channels, int bits)
    {
        var order = Order(channels);
        foreach (var candidate in ChannelBitAllocation.Candidates(order, bits, 0.1))
        {
            Assert.Equal((channels * bits) + (channels / 10), candidate.Sum());
            Assert.Equal(channels / 10, candidate.Count(b => b > bits) - candidate.Count(b => b < bits));
            // Bits fall along the order.
            Assert.Equal(candidate.OrderDescending(), order.Select(c => candidate[c]));
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void TheBestHasTheLeastErrorOfAll(int channels, int bits)
    {
        var random = new Random(bits);
        var errors = Enumerable
            .Range(0, channels)
            .Select(_ => Enumerable.Range(0, 3).Select(_ => random.NextDouble()).ToArray());
        var table = errors.ToArray();
        double Error(int channel, int width) => table[channel][width - bits + 1];

        var candidates = ChannelBitAllocation.Candidates(Order(channels), bits);
        var best = ChannelBitAllocation.Best(candidates, Error);
        Assert.Contains(best, candidates);
        foreach (var candidate in candidates)
        {
            var sum = 0.0;
            var least = 0.0;
            for (var c = 0; c < channels; c++)
            {
                sum += Error(c, candidate[c]);
                least += Error(c, best[c]);
            }

            Assert.True(least <= sum);
        }
    }
}
