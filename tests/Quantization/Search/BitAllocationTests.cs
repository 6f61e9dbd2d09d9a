using DiffusionQuant.Quantization.Search;

namespace DiffusionQuant.Quantization.Tests.Search;

public sealed class BitAllocationTests
{
    [Fact]
    public void It_is_as_good_as_trying_all()
    {
        var random = new Random(1);
        for (var trial = 0; trial < 200; trial++)
        {
            var items = Items(random, 1 + random.Next(5), size => 1 + random.Next(40));
            var budget = (long)(items.Sum(i => i.Weights) * (1.5 + (6 * random.NextDouble())));
            var found = BitAllocation.Solve(items, budget, default);
            var best = BruteForce(items, budget);
            Assert.Equal(best is null, found is null);
            if (found is not null)
            {
                Assert.True(Size(items, found) <= budget);
                Assert.Equal(best!.Value, Error(items, found), 9);
            }
        }
    }

    [Fact]
    public void With_large_sizes_it_holds_the_budget_and_loses_little()
    {
        // Sizes without a common divisor, far more of them than the table has units.
        var random = new Random(2);
        for (var trial = 0; trial < 5; trial++)
        {
            var items = Items(random, 5, _ => 1_000_003 + random.Next(5_000_000));
            var budget = (long)(items.Sum(i => i.Weights) * (2.5 + (3 * random.NextDouble())));
            var found = BitAllocation.Solve(items, budget, default)!;
            Assert.True(Size(items, found) <= budget);
            Assert.InRange(Error(items, found), 0, BruteForce(items, budget)!.Value * 1.05);
        }
    }

    [Fact]
    public void A_budget_of_the_least_widths_gives_these()
    {
        var items = Items(new Random(3), 4, _ => 1_000_003);
        var least = items.Sum(i => i.Weights * 2);
        Assert.Equal([2, 2, 2, 2], BitAllocation.Solve(items, least, default)!);
        Assert.Null(BitAllocation.Solve(items, least - 1, default));
        Assert.Equal([8, 8, 8, 8], BitAllocation.Solve(items, long.MaxValue / 4, default)!);
    }

    [Fact]
    public void Errors_that_grow_with_bits_and_infinite_ones_are_avoided()
    {
        AllocationItem[] items =
        [
            new(
                10,
                new Dictionary<int, double>
                {
                    [2] = LayerSensitivity.NotFinite,
                    [3] = 1,
                    [8] = 2,
                }
            ),
            new(
                10,
                new Dictionary<int, double>
                {
                    [2] = 0.5,
                    [3] = 0.5,
                    [8] = 0.5,
                }
            ),
        ];
        Assert.Equal([3, 2], BitAllocation.Solve(items, 160, default)!);
    }

    [Fact]
    public void A_thousand_layers_take_no_time()
    {
        var random = new Random(4);
        var items = Items(random, 1000, _ => 1 + random.Next(3_000_000));
        var started = DateTime.UtcNow;
        Assert.True(Size(items, BitAllocation.Solve(items, items.Sum(i => i.Weights) * 3, default)!) > 0);
        Assert.InRange((DateTime.UtcNow - started).TotalSeconds, 0, 30);
    }

    private static AllocationItem[] Items(Random random, int count, Func<int, long> size) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => new AllocationItem(
                    size(i),
                    // As errors of rounding fall, but for chance.
                    new[] { 2, 3, 4, 6, 8 }.ToDictionary(
                        b => b,
                        b => Math.Pow(4, -b) * (0.3 + random.NextDouble()) * (1 + (i % 3 * 10))
                    )
                )),
        ];

    private static double? BruteForce(AllocationItem[] items, long budget, int from = 0) =>
        from == items.Length
            ? budget >= 0
                ? 0
                : null
            : items[from]
                .Errors.Select(e => BruteForce(items, budget - (items[from].Weights * e.Key), from + 1) + e.Value)
                .Min();

    private static long Size(AllocationItem[] items, int[] bits) => items.Zip(bits, (i, b) => i.Weights * b).Sum();

    private static double Error(AllocationItem[] items, int[] bits) => items.Zip(bits, (i, b) => i.Errors[b]).Sum();
}
