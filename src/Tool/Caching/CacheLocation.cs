namespace DiffusionQuant.Tool.Caching;

/// <summary>Where the cache lies when no option says so.</summary>
internal static class CacheLocation
{
    public const string Variable = "DIFFUSIONQUANT_CACHE";

    public static string Default(Func<string, string?> variable)
    {
        if (variable(Variable) is { Length: > 0 } named)
        {
            return Path.GetFullPath(named);
        }

        // The desktop specification says to ignore a relative path in XDG_CACHE_HOME.
        var root =
            variable("XDG_CACHE_HOME") is { Length: > 0 } cache && Path.IsPathFullyQualified(cache) ? cache
            : OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
            : OperatingSystem.IsMacOS() ? Path.Combine(Home(variable), "Library", "Caches")
            : Path.Combine(Home(variable), ".cache");
        return Path.Combine(root, "diffusionquant");
    }

    private static string Home(Func<string, string?> variable) =>
        variable("HOME") is { Length: > 0 } home ? home : Path.GetTempPath();
}
