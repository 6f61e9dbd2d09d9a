namespace DiffusionQuant.Quantization.Blocks;

/// <summary>Whether a part of a graph can be computed as a whole.</summary>
internal static class Convexity
{
    /// <summary>Whether no path leaves some vertices and enters them again.</summary>
    public static bool Holds(DataFlow data, IReadOnlySet<int> members)
    {
        // Vertices are in topological order, so one sweep sees all that lies behind what was left.
        var last = members.Max();
        var behind = new HashSet<int>();
        for (var v = members.Min(); v <= last; v++)
        {
            var inside = members.Contains(v);
            if (!inside && !behind.Contains(v))
            {
                continue;
            }

            foreach (var reader in data.Readers(v))
            {
                if (inside && members.Contains(reader))
                {
                    continue;
                }

                if (members.Contains(reader))
                {
                    return false;
                }

                behind.Add(reader);
            }
        }

        return true;
    }
}
