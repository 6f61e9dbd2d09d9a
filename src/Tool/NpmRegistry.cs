using DiffusionQuant.Evaluation.Features;

namespace DiffusionQuant.Tool;

/// <summary>Finds the npm registry that this machine uses, without npm.</summary>
internal static class NpmRegistry
{
    private const string Key = "registry";

    /// <summary>The registry's address: what was asked for, else the environment's, else the user's <c>.npmrc</c>, else the
    /// public one.</summary>
    public static string Find(string? asked, ToolHost host) =>
        asked
        ?? NotEmpty(host.Variable("npm_config_registry"))
        ?? NotEmpty(host.Variable("NPM_CONFIG_REGISTRY"))
        ?? OfUserConfig(host)
        ?? NpmTarball.DefaultRegistry;

    private static string? OfUserConfig(ToolHost host)
    {
        var file =
            NotEmpty(host.Variable("NPM_CONFIG_USERCONFIG"))
            ?? (
                NotEmpty(host.Variable("HOME") ?? host.Variable("USERPROFILE")) is { } home
                    ? Path.Combine(home, ".npmrc")
                    : null
            );
        if (file is null)
        {
            return null;
        }

        try
        {
            return File.ReadLines(file)
                .Select(l => l.Split('=', 2, StringSplitOptions.TrimEntries))
                .Where(l => l is [Key, { Length: > 0 }])
                .Select(l => l[1].Trim('"', '\''))
                .LastOrDefault();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string? NotEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;
}
