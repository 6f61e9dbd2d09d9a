using System.Text;
using DiffusionQuant.Build.Files;
using DiffusionQuant.Build.Models;

namespace DiffusionQuant.Build.Tool;

/// <summary>
/// The command line of the tool, the same that users type:
/// <code>
/// diffquant quantize MODEL -o FOLDER --quantize W4A8 [--method M] [--policy P] [--sampler S] [--steps N]
///     [--calibration-samples N] [--seed N] [--device D] [--threads N] [--softmax-bits N] [--rule R]*
///     [--input-role NAME=ROLE]* [--recipe FILE] [--cache-directory DIR] [--force] --prefix-output --progress-file FILE
/// </code>
/// Metadata that is not set is not passed, so that the tool's defaults hold.
/// </summary>
internal static class ToolArguments
{
    private static readonly (string Metadata, string Option)[] Options =
    [
        ("Quantize", "--quantize"),
        ("Method", "--method"),
        ("Policy", "--policy"),
        ("Sampler", "--sampler"),
        ("Steps", "--steps"),
        ("CalibrationSamples", "--calibration-samples"),
        ("Seed", "--seed"),
        ("Device", "--device"),
        ("Threads", "--threads"),
        ("SoftmaxBits", "--softmax-bits"),
    ];

    /// <summary>The arguments that decide the result.</summary>
    public static IEnumerable<string> Recipe(ModelItem model)
    {
        yield return model.Path;
        foreach (var (metadata, option) in Options)
        {
            if (model.Metadata(metadata) is { } value)
            {
                yield return option;
                yield return value;
            }
        }

        foreach (var rule in model.Rules)
        {
            yield return "--rule";
            yield return rule;
        }

        foreach (var role in model.InputRoles)
        {
            yield return "--input-role";
            yield return role;
        }

        if (model.Recipe is not null)
        {
            yield return "--recipe";
            yield return model.Recipe;
        }
    }

    public static IEnumerable<string> Quantize(ModelItem model, ModelPaths paths, string? cacheDirectory, bool force)
    {
        string[] cache = cacheDirectory is null ? [] : ["--cache-directory", cacheDirectory];
        string[] forced = force ? ["--force"] : [];
        string[] reporting = ["--prefix-output", "--progress-file", paths.Progress];
        return ["quantize", .. Recipe(model), "-o", paths.Artifact, .. cache, .. forced, .. reporting];
    }

    /// <summary>Joins arguments so that the started process gets them back one by one, on every system.</summary>
    public static string Join(IEnumerable<string> arguments) => string.Join(" ", arguments.Select(Quote));

    private static string Quote(string argument)
    {
        if (argument.Length > 0 && argument.IndexOfAny([' ', '\t', '\n', '"']) < 0)
        {
            return argument;
        }

        var quoted = new StringBuilder("\"");
        var backslashes = 0;
        foreach (var c in argument)
        {
            // Backslashes count only in front of a quotation mark, where each needs another one.
            quoted.Append('\\', c == '"' ? backslashes + 1 : 0).Append(c);
            backslashes = c == '\\' ? backslashes + 1 : 0;
        }

        return quoted.Append('\\', backslashes).Append('"').ToString();
    }
}
