namespace DiffusionQuant.Evaluation;

/// <summary>Names the setting in which two lists of settings differ.</summary>
internal static class SettingDifference
{
    /// <summary>The first setting that differs, as <c>name: one, another</c>; null where all agree that both tell.</summary>
    public static string? Find(
        IEnumerable<KeyValuePair<string, string>> settings,
        IEnumerable<KeyValuePair<string, string>> others
    )
    {
        var known = others.ToDictionary(StringComparer.Ordinal);
        return settings
            .Where(s => known.TryGetValue(s.Key, out var other) && other != s.Value)
            .Select(s => $"{s.Key}: {s.Value}, {known[s.Key]}")
            .FirstOrDefault();
    }
}
