namespace DiffusionQuant.Tests.Shared;

/// <summary>The installed Chromium. Nothing is downloaded for a test.</summary>
internal static class Chromium
{
    /// <summary>Names the browser's program; where it is set, tests never skip.</summary>
    public const string Variable = "DIFFUSIONQUANT_CHROMIUM";

    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "chrome"];

    /// <summary>The browser's program; null where there is none.</summary>
    public static string? Program { get; } = Find();

    /// <summary>Whether a missing browser is a failure rather than a reason to skip.</summary>
    public static bool IsRequired { get; } = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 };

    /// <summary>What a person does about a missing browser.</summary>
    public static string Advice =>
        $"There is no Chromium: {Variable} names none, and the PATH has none of {string.Join(", ", Names)}. Install one (Debian: apt-get install chromium).";

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
        {
            return File.Exists(named) ? named : null;
        }

        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        var suffix = OperatingSystem.IsWindows() ? ".exe" : "";
        return folders
            .SelectMany(folder => Names.Select(name => Path.Combine(folder, name + suffix)))
            .FirstOrDefault(File.Exists);
    }
}
