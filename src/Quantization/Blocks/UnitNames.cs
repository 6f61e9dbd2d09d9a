using System.Globalization;

namespace DiffusionQuant.Quantization.Blocks;

/// <summary>
/// Names for units: the scope that an exporter put before the names of a unit's layers and of no others, or kind and number.
/// </summary>
internal static class UnitNames
{
    public static IReadOnlyList<ReconstructionUnit> Give(IReadOnlyList<ReconstructionUnit> units)
    {
        // Projections of the time embedding stand in the scopes of the blocks that they serve.
        var others = units.Where(u => u.Kind != BlockKind.TimeEmbedding).ToArray();
        var taken = units.Where(u => u.Name.Length > 0).Select(u => u.Name).ToHashSet(StringComparer.Ordinal);
        var counts = new Dictionary<BlockKind, int>();
        return
        [
            .. units.Select(u =>
                u.Name.Length > 0
                    ? u
                    : u with
                    {
                        Name = Scope(u, others) is { } scope && taken.Add(scope) ? scope : Number(u.Kind),
                    }
            ),
        ];

        string Number(BlockKind kind)
        {
            if (kind == BlockKind.TimeEmbedding && taken.Add("time-embedding"))
            {
                return "time-embedding";
            }

            while (true)
            {
                var number = counts[kind] = counts.GetValueOrDefault(kind) + 1;
                var name = string.Create(CultureInfo.InvariantCulture, $"{Word(kind)}-{number}");
                if (taken.Add(name))
                {
                    return name;
                }
            }
        }
    }

    /// <summary>Numbers those names that an earlier unit has: a layer that stands alone may be called like a unit.</summary>
    public static IReadOnlyList<ReconstructionUnit> Distinguish(IReadOnlyList<ReconstructionUnit> units)
    {
        var taken = units.Select(u => u.Name).ToHashSet(StringComparer.Ordinal);
        var given = new HashSet<string>(StringComparer.Ordinal);
        var result = new List<ReconstructionUnit>();
        foreach (var unit in units)
        {
            var name = unit.Name;
            for (var i = 2; !given.Add(name); i++)
            {
                var next = string.Create(CultureInfo.InvariantCulture, $"{unit.Name}-{i}");
                name = taken.Contains(next) ? name : next;
            }

            result.Add(unit with { Name = name });
        }

        return result;
    }

    /// <summary>The word for a kind, in names and for people.</summary>
    public static string Word(BlockKind kind) =>
        kind switch
        {
            BlockKind.Residual => "residual",
            BlockKind.Attention => "attention",
            BlockKind.Transformer => "transformer",
            BlockKind.TimeEmbedding => "time-embedding",
            _ => "layer",
        };

    private static string? Scope(ReconstructionUnit unit, IEnumerable<ReconstructionUnit> units)
    {
        if (unit.Kind == BlockKind.TimeEmbedding)
        {
            return null;
        }

        var common = unit.Layers[0].Split('/')[..^1];
        foreach (var layer in unit.Layers)
        {
            var parts = layer.Split('/')[..^1];
            var same = common.Zip(parts).TakeWhile(p => p.First == p.Second).Count();
            common = common[..same];
        }

        var scope = string.Join('/', common);
        return
            common.Any(p => p.Length > 0)
            && !units.Any(u => u != unit && u.Layers.Any(l => l.StartsWith(scope + "/", StringComparison.Ordinal)))
            ? scope
            : null;
    }
}
