namespace DiffusionQuant.Quantization.Calibration;

/// <summary>How many samples and which values are fetched at a time.</summary>
/// <param name="Rows">Samples of a run.</param>
/// <param name="Groups">The values of each run; one group unless a single sample passes the budget.</param>
internal sealed record ObservationPortions(int Rows, IReadOnlyList<IReadOnlyList<string>> Groups)
{
    /// <summary>Cuts the observation into portions.</summary>
    /// <param name="values">All values.</param>
    /// <param name="sizes">Bytes of each for one sample.</param>
    /// <param name="budget">Bytes that may be held at a time.</param>
    public static ObservationPortions Of(
        IReadOnlyList<string> values,
        IReadOnlyDictionary<string, long> sizes,
        long budget
    )
    {
        var total = values.Sum(v => sizes[v]);
        if (total <= budget)
        {
            return new((int)Math.Clamp(budget / Math.Max(total, 1), 1, int.MaxValue), [values]);
        }

        var groups = new List<IReadOnlyList<string>>();
        var group = new List<string>();
        var held = 0L;
        foreach (var value in values)
        {
            if (held + sizes[value] > budget && group.Count > 0)
            {
                groups.Add(group);
                (group, held) = ([], 0);
            }

            group.Add(value);
            held += sizes[value];
        }

        groups.Add(group);
        return new(1, groups);
    }
}
