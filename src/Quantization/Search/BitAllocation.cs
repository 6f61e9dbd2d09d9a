namespace DiffusionQuant.Quantization.Search;

/// <summary>A layer that bits are to be chosen for.</summary>
/// <param name="Weights">The number of its weights.</param>
/// <param name="Errors">The error that the layer causes at each width that it may have; at least one.</param>
internal sealed record AllocationItem(long Weights, IReadOnlyDictionary<int, double> Errors);

/// <summary>
/// Chooses a width for each layer so that the sum of errors is the least that a budget of bits allows: the knapsack problem
/// with one choice of each class, by dynamic programming over the size (Kellerer, Pferschy, Pisinger, "Knapsack Problems",
/// 2004, section 11.5). Exact where layers' sizes have a common divisor that leaves no more than
/// <see cref="MostUnits"/> units of size; else sizes are rounded up to units, so that a budget holds all the same, and what
/// rounding left of it is given to the layers that gain most.
/// </summary>
internal static class BitAllocation
{
    /// <summary>The most units of size that the table has: with a thousand layers it takes 64 MB.</summary>
    public const int MostUnits = 1 << 16;

    /// <summary>The width of each item, or null where even the least widths are over the budget.</summary>
    /// <param name="items">The layers.</param>
    /// <param name="budget">Bits of all their weights together.</param>
    /// <param name="cancellation">Stops it.</param>
    public static int[]? Solve(IReadOnlyList<AllocationItem> items, long budget, CancellationToken cancellation)
    {
        var options = items.Select(i => i.Errors.OrderBy(e => e.Key).ToArray()).ToArray();
        var spare = budget - items.Select((item, i) => item.Weights * options[i][0].Key).Sum();
        if (spare < 0)
        {
            return null;
        }

        // More than every layer at its most bits takes is of no use.
        spare = Math.Min(
            spare,
            items.Select((item, i) => item.Weights * (options[i][^1].Key - options[i][0].Key)).Sum()
        );
        var divisor = items.Select(i => i.Weights).Aggregate(0L, Divisor);
        var unit = Math.Max(Math.Max(divisor, 1), (spare + MostUnits - 1) / MostUnits);
        var chosen = Fill(items, options, unit, (int)(spare / unit), cancellation);
        SpendRest(items, options, chosen, budget);
        return [.. chosen.Select((choice, i) => options[i][choice].Key)];
    }

    private static int[] Fill(
        IReadOnlyList<AllocationItem> items,
        KeyValuePair<int, double>[][] options,
        long unit,
        int capacity,
        CancellationToken cancellation
    )
    {
        // best[c]: the least sum of errors of the items so far with at most c units above their least widths.
        var best = new double[capacity + 1];
        var choices = new byte[items.Count][];
        for (var i = 0; i < items.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var next = new double[capacity + 1];
            choices[i] = new byte[capacity + 1];
            var sizes = options[i].Select(o => Units(items[i], options[i][0].Key, o.Key, unit)).ToArray();
            for (var c = 0; c <= capacity; c++)
            {
                next[c] = double.PositiveInfinity;
                for (var o = 0; o < sizes.Length && sizes[o] <= c; o++)
                {
                    var error = best[c - (int)sizes[o]] + options[i][o].Value;
                    if (error < next[c])
                    {
                        (next[c], choices[i][c]) = (error, (byte)o);
                    }
                }
            }

            best = next;
        }

        var chosen = new int[items.Count];
        for (var (i, left) = (items.Count - 1, capacity); i >= 0; i--)
        {
            chosen[i] = choices[i][left];
            left -= (int)Units(items[i], options[i][0].Key, options[i][chosen[i]].Key, unit);
        }

        return chosen;
    }

    private static void SpendRest(
        IReadOnlyList<AllocationItem> items,
        KeyValuePair<int, double>[][] options,
        int[] chosen,
        long budget
    )
    {
        var left = budget - items.Select((item, i) => item.Weights * options[i][chosen[i]].Key).Sum();
        while (true)
        {
            var better =
                from i in Enumerable.Range(0, items.Count)
                from o in Enumerable.Range(chosen[i] + 1, options[i].Length - chosen[i] - 1)
                let bits = items[i].Weights * (options[i][o].Key - options[i][chosen[i]].Key)
                let gain = options[i][chosen[i]].Value - options[i][o].Value
                where bits <= left && gain > 0
                select (Item: i, Option: o, Bits: bits, Rate: gain / Math.Max(bits, 1));
            var (item, option, size, rate) = better.OrderByDescending(b => b.Rate).FirstOrDefault();
            if (rate <= 0)
            {
                return;
            }

            chosen[item] = option;
            left -= size;
        }
    }

    private static long Units(AllocationItem item, int least, int bits, long unit) =>
        ((item.Weights * (bits - least)) + unit - 1) / unit;

    private static long Divisor(long a, long b) => b == 0 ? a : Divisor(b, a % b);
}
