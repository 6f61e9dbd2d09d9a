using System.Globalization;
using System.Text;

namespace DiffusionQuant.Diffusion;

/// <summary>
/// Unicode's normal form C. <see cref="string.Normalize()"/> does nothing where an app is built without cultures
/// (<c>InvariantGlobalization</c>), and the same prompt must give the same tokens there.
/// </summary>
internal static class CanonicalForm
{
    private const int HangulFirst = 0xAC00;
    private const int LeadFirst = 0x1100;
    private const int VowelFirst = 0x1161;
    private const int TailFirst = 0x11A7;
    private const int LeadCount = 19;
    private const int VowelCount = 21;
    private const int TailCount = 28;
    private const int FirstThatChanges = 0xC0;
    private static readonly Lazy<CanonicalTable> Table = new(CanonicalTable.Load);

    /// <summary>The text, composed.</summary>
    public static string Compose(string text)
    {
        if (text.All(c => c < FirstThatChanges))
        {
            return text;
        }

        var points = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            Decompose(rune.Value, points);
        }

        Order(points);
        var result = new StringBuilder(text.Length);
        foreach (var point in Joined(points))
        {
            result.Append(char.ConvertFromUtf32(point));
        }

        return result.ToString();
    }

    private static void Decompose(int point, List<int> points)
    {
        var syllable = point - HangulFirst;
        if (syllable is >= 0 and < LeadCount * VowelCount * TailCount)
        {
            points.Add(LeadFirst + (syllable / (VowelCount * TailCount)));
            points.Add(VowelFirst + (syllable / TailCount % VowelCount));
            if (syllable % TailCount > 0)
            {
                points.Add(TailFirst + (syllable % TailCount));
            }
        }
        else if (Table.Value.Parts.TryGetValue(point, out var parts))
        {
            foreach (var part in parts)
            {
                Decompose(part, points);
            }
        }
        else
        {
            points.Add(point);
        }
    }

    /// <summary>Puts runs of combining marks in the order of their classes.</summary>
    private static void Order(List<int> points)
    {
        for (var start = 0; start < points.Count; start++)
        {
            var end = start;
            while (end < points.Count && ClassOf(points[end]) > 0)
            {
                end++;
            }

            if (end - start > 1)
            {
                var ordered = points[start..end].OrderBy(ClassOf).ToArray();
                for (var i = 0; i < ordered.Length; i++)
                {
                    points[start + i] = ordered[i];
                }
            }

            start = end;
        }
    }

    private static List<int> Joined(List<int> points)
    {
        var result = new List<int>(points.Count);
        var starter = -1;
        var lastClass = 0;
        foreach (var point in points)
        {
            var ownClass = ClassOf(point);
            // A mark joins its starter unless one of the same class, or a higher one, stands between them.
            var isFree = starter >= 0 && (starter == result.Count - 1 || (lastClass < ownClass && lastClass > 0));
            if (isFree && Pair(result[starter], point) is { } joined)
            {
                result[starter] = joined;
                continue;
            }

            if (ownClass == 0)
            {
                starter = result.Count;
            }

            lastClass = ownClass;
            result.Add(point);
        }

        return result;
    }

    private static int? Pair(int first, int second)
    {
        if (first - LeadFirst is >= 0 and < LeadCount && second - VowelFirst is >= 0 and < VowelCount)
        {
            return HangulFirst + ((((first - LeadFirst) * VowelCount) + (second - VowelFirst)) * TailCount);
        }

        var syllable = first - HangulFirst;
        return syllable is >= 0 and < LeadCount * VowelCount * TailCount
            && syllable % TailCount == 0
            && second - TailFirst is > 0 and < TailCount
                ? first + (second - TailFirst)
            : Table.Value.Pairs.TryGetValue((first, second), out var joined) ? joined
            : null;
    }

    private static int ClassOf(int point) => Table.Value.Classes.GetValueOrDefault(point);

    private sealed record CanonicalTable(
        Dictionary<int, int[]> Parts,
        Dictionary<(int First, int Second), int> Pairs,
        Dictionary<int, int> Classes
    )
    {
        public static CanonicalTable Load()
        {
            var table = new CanonicalTable([], [], []);
            using var reader = new StreamReader(
                typeof(CanonicalForm).Assembly.GetManifestResourceStream("canonical.txt")!
            );
            while (reader.ReadLine() is { } line)
            {
                table.Add(line);
            }

            return table;
        }

        private void Add(string line)
        {
            if (line.StartsWith('#'))
            {
                return;
            }

            if (line.Split('=') is [var code, var text])
            {
                var parts = Array.ConvertAll(text.TrimEnd('!').Split(' '), Hex);
                Parts[Hex(code)] = parts;
                if (parts.Length == 2 && !text.EndsWith('!'))
                {
                    Pairs[(parts[0], parts[1])] = Hex(code);
                }
            }
            else if (line.Split('-', ':') is [var first, var last, var number])
            {
                for (var point = Hex(first); point <= Hex(last); point++)
                {
                    Classes[point] = int.Parse(number, CultureInfo.InvariantCulture);
                }
            }
        }

        private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
