namespace DiffusionQuant.Engine.Optimizers;

/// <summary>Where the forward pass is cut into segments.</summary>
internal sealed class RecomputationPlan
{
    // Segments are tried from nearly everything to a hundredth of it.
    private const double MostParts = 100;
    private const double NextParts = 1.12;

    private readonly ForwardValues values;
    private readonly bool[] mayCut;
    private readonly long[] costs;
    private readonly (string Value, int Made, int Read, long Size)[] crossing;

    private RecomputationPlan(ForwardValues values, Func<string, string?> gradientOf)
    {
        this.values = values;
        mayCut = [.. values.Nodes.Select(n => n.Outputs.Exists(o => IsArrival(values, gradientOf, o)))];
        costs =
        [
            .. values.Nodes.Select(
                (n, i) =>
                    values.IsRecomputable(i)
                        ? n.Outputs.Where(o => o.Length > 0 && values.ReadBack.Contains(o)).Sum(values.SizeOf)
                        : 0
            ),
        ];
        crossing =
        [
            .. values
                .Nodes.SelectMany((n, i) => values.IsRecomputable(i) ? n.Outputs.Where(o => o.Length > 0) : [])
                .Select(o => (o, values.PlaceOf(o), values.LastReader(o), values.SizeOf(o))),
        ];
    }

    /// <summary>Whether a value's gradient can tell that its segment's turn has come.</summary>
    public static bool IsArrival(ForwardValues values, Func<string, string?> gradientOf, string value) =>
        value.Length > 0
        && values.IsLargeData(value)
        && gradientOf(value) is { } gradient
        && values.IsBackward(gradient);

    /// <summary>The places of <see cref="ForwardValues.Nodes"/> behind which it is cut, in order.</summary>
    public static int[] Cuts(ForwardValues values, Func<string, string?> gradientOf, int? segments)
    {
        var plan = new RecomputationPlan(values, gradientOf);
        var total = plan.costs.Sum();
        int[] best = [];
        var least = long.MaxValue;
        for (var parts = NextParts; parts <= MostParts; parts *= NextParts)
        {
            var cuts = plan.CutsOf((long)(total / parts));
            if (segments is { } most && (cuts.Length >= most || cuts.Length < best.Length))
            {
                continue;
            }

            var cost = plan.Cost(cuts);
            if (cost < least || (segments is not null && cuts.Length > best.Length))
            {
                (best, least) = (cuts, cost);
            }
        }

        return best;
    }

    /// <summary>Segments of at most so many bytes, cut where fewest are kept.</summary>
    private int[] CutsOf(long limit)
    {
        var cuts = new List<int>();
        var kept = new HashSet<string>(StringComparer.Ordinal);
        var (start, sum) = (0, 0L);
        for (var place = 0; place < costs.Length; place++)
        {
            sum += costs[place];
            if (sum <= limit)
            {
                continue;
            }

            // The later half of the segment is free to be cut anywhere.
            var (cut, least, rest) = (-1, long.MaxValue, sum);
            for (var i = place - 1; i >= start && (rest > limit / 2 || cut < 0); i--)
            {
                rest -= costs[i + 1];
                if (mayCut[i] && Kept(i, kept) is var size && size < least)
                {
                    (cut, least) = (i, size);
                }
            }

            if (cut < 0)
            {
                continue;
            }

            kept.UnionWith(crossing.Where(c => c.Made <= cut && c.Read > cut).Select(c => c.Value));
            cuts.Add(cut);
            start = cut + 1;
            sum = costs[start..(place + 1)].Sum();
        }

        return [.. cuts];
    }

    private long Kept(int cut, HashSet<string> already) =>
        crossing.Where(c => c.Made <= cut && c.Read > cut && !already.Contains(c.Value)).Sum(c => c.Size);

    /// <summary>The bytes of what is kept and of the largest segment.</summary>
    private long Cost(int[] cuts)
    {
        var kept = new HashSet<string>(StringComparer.Ordinal);
        foreach (var cut in cuts)
        {
            kept.UnionWith(crossing.Where(c => c.Made <= cut && c.Read > cut).Select(c => c.Value));
        }

        int[] ends = [.. cuts, values.Nodes.Count - 1];
        var (start, largest) = (0, 0L);
        foreach (var end in ends)
        {
            largest = Math.Max(largest, costs[start..(end + 1)].Sum());
            start = end + 1;
        }

        return crossing.Where(c => kept.Contains(c.Value)).Sum(c => c.Size) + largest;
    }
}
