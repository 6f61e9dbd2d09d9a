namespace DiffusionQuant.Evaluation.Runs;

/// <summary>Puts the parts of a run together.</summary>
internal static class PartMerger
{
    /// <summary>The whole of a run.</summary>
    /// <param name="parts">Its parts with their names, in any order.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3006 to DQ3008: they belong to several runs, or leave images out, or
    /// hold some twice.</exception>
    public static EvaluationPart Merge(IReadOnlyList<(string Name, EvaluationPart Part)> parts)
    {
        // Parts may be empty where there are more of them than batches; what is taken from the first must not depend on
        // the order in which they were named.
        var ordered = parts
            .OrderBy(p => p.Part.FirstImage)
            .ThenBy(p => p.Part.EndImage)
            .ThenBy(p => p.Part.Header.ShardIndex)
            .ToArray();
        Check(ordered);
        var (_, first) = ordered[0];
        var paired = new PairedStatistics();
        var model = first.Shape is null ? null : new ImageStatistics(first.Header.DistributionImages, first.Shape);
        var exact = first.Float is null ? null : new ImageStatistics(first.Header.DistributionImages, first.Shape!);
        foreach (var (_, part) in ordered)
        {
            paired.Add(part.Paired);
            model?.Add(part.Model!);
            exact?.Add(part.Float!);
        }

        return first with
        {
            Header = first.Header with
            {
                ShardIndex = 1,
                ShardCount = 1,
                Device = string.Join(", ", ordered.Select(p => p.Part.Header.Device).Distinct().Order()),
                Speed = ordered.Select(p => p.Part.Header.Speed).FirstOrDefault(s => s is not null),
            },
            FirstImage = 0,
            EndImage = first.Header.Images,
            Paired = paired,
            Model = model,
            Float = exact,
        };
    }

    private static void Check((string Name, EvaluationPart Part)[] ordered)
    {
        var (firstName, first) = ordered[0];
        var missing = new List<string>();
        var end = 0;
        var before = "";
        foreach (var (name, part) in ordered)
        {
            if (first.Header.FindDifference(part.Header) is { } difference)
            {
                throw EvaluationErrors.MixedParts(firstName, name, difference);
            }

            if (part.FirstImage == part.EndImage)
            {
                continue;
            }

            if (part.FirstImage < end)
            {
                throw EvaluationErrors.PartsOverlap(before, name, part.FirstImage);
            }

            if (part.FirstImage > end)
            {
                missing.Add(Images(end, part.FirstImage));
            }

            (end, before) = (part.EndImage, name);
        }

        if (end < first.Header.Images)
        {
            missing.Add(Images(end, first.Header.Images));
        }

        if (missing.Count > 0)
        {
            throw EvaluationErrors.PartsMissing(string.Join(", ", missing) + Shards(ordered));
        }
    }

    private static string Images(int first, int end) => $"images {first} to {end - 1}";

    /// <summary>Which numbers of the division are not there, where all parts are of one.</summary>
    private static string Shards((string Name, EvaluationPart Part)[] parts)
    {
        var headers = parts.Select(p => p.Part.Header).ToArray();
        var counts = headers.Select(h => h.ShardCount).Distinct().ToArray();
        if (counts is not [> 1])
        {
            return "";
        }

        var missing = Enumerable.Range(1, counts[0]).Except(headers.Select(h => h.ShardIndex)).ToArray();
        return missing.Length == 0 ? "" : $" (of {counts[0]}: {string.Join(", ", missing)})";
    }
}
