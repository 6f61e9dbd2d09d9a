using System.Globalization;
using System.Text;
using DiffusionQuant.Build.Models;
using DiffusionQuant.Build.Tool;

namespace DiffusionQuant.Build.Files;

/// <summary>
/// The text of a model's <c>.inputs</c> file: every option, the tool, and each file of the model with its size and time.
/// With all of it in one file, MSBuild's comparison of times also sees an option that changed, a file that went away
/// and a file that was replaced by an older one. Contents are not hashed here; the tool does that, once.
/// </summary>
internal static class FreshnessKey
{
    public static string Of(ModelItem model, string toolPath, string? cacheDirectory, string? cudaPath)
    {
        var text = new StringBuilder();
        foreach (var argument in ToolArguments.Recipe(model))
        {
            text.Append("argument ").Append(argument).Append('\n');
        }

        text.Append("cache ").Append(cacheDirectory).Append('\n');
        text.Append("cuda ").Append(cudaPath).Append('\n');
        Append(text, "tool", new FileInfo(toolPath));
        if (model.Recipe is not null)
        {
            Append(text, "recipe", new FileInfo(model.Recipe));
        }

        foreach (var file in ModelFiles.Of(model.Path))
        {
            Append(text, "file", file);
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, string kind, FileInfo file)
    {
        var state = file.Exists
            ? string.Format(CultureInfo.InvariantCulture, "{0} {1:O}", file.Length, file.LastWriteTimeUtc)
            : "missing";
        text.Append(kind).Append(' ').Append(file.FullName).Append(' ').Append(state).Append('\n');
    }
}
