using System.CommandLine;
using DiffusionQuant.Tool.Caching;
using DiffusionQuant.Tool.Output;

namespace DiffusionQuant.Tool.CommandLine;

/// <summary>The options that say what is kept, and where.</summary>
/// <param name="forceDescription">What <c>--force</c> does.</param>
internal sealed class CacheOptions(string forceDescription)
{
    private readonly Option<string?> directory = new("--cache-directory")
    {
        Description =
            $"Where results are kept (default ${CacheLocation.Variable}, or diffusionquant in the user's cache folder)",
        HelpName = "FOLDER",
    };

    private readonly Option<bool> none = new("--no-cache")
    {
        Description = "Take nothing from the cache and keep nothing in it",
    };

    private readonly Option<bool> force = new("--force") { Description = forceDescription };

    public void AddTo(Command command)
    {
        command.Options.Add(directory);
        command.Options.Add(none);
        command.Options.Add(force);
    }

    /// <summary>Whether to make even what the cache holds.</summary>
    public bool IsForced(ParseResult result) => result.GetValue(force);

    /// <summary>The cache; null where none is wanted or it cannot be used, which is a warning.</summary>
    public ArtifactCache? Open(ParseResult result, ToolHost host, Reporter reporter)
    {
        if (result.GetValue(none))
        {
            return null;
        }

        var folder = result.GetValue(directory) ?? CacheLocation.Default(host.Variable);
        try
        {
            return new(Path.GetFullPath(folder), host.Time);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            reporter.Warn(ToolErrors.CacheUnusable(folder, e));
            return null;
        }
    }
}
