using System.Text;
using DiffusionQuant.Build.Models;
using DiffusionQuant.Build.Tool;

namespace DiffusionQuant.Build.Files;

/// <summary>
/// The text of a model's <c>.inputs</c> files: every option, and the tool. With all of it in one file, MSBuild's comparison
/// of times also sees an option that changed. The files that are read have a list of their own, <see cref="InputList"/>.
/// </summary>
internal static class FreshnessKey
{
    private const string Argument = "argument ";

    /// <summary>What decides the quantized model besides the files that it is made from.</summary>
    public static string OfModel(ModelItem model, string toolPath, string? cacheDirectory, string? cudaPath) =>
        Text(ToolArguments.Recipe(model), toolPath, cacheDirectory, cudaPath);

    /// <summary>The float model that the <c>.inputs</c> file of a quantized one names first.</summary>
    public static string ModelOf(string inputs) =>
        File.ReadLines(inputs)
            .First(line => line.StartsWith(Argument, StringComparison.Ordinal))
            .Substring(Argument.Length);

    /// <summary>What decides the evaluation besides the quantized model and the files that are read.</summary>
    public static string OfEvaluation(
        ModelItem model,
        ModelEvaluation evaluation,
        string toolPath,
        string? cacheDirectory,
        string? cudaPath
    ) => Text(ToolArguments.Checks(model, evaluation), toolPath, cacheDirectory, cudaPath);

    private static string Text(IEnumerable<string> arguments, string toolPath, string? cacheDirectory, string? cudaPath)
    {
        var text = new StringBuilder();
        foreach (var argument in arguments)
        {
            text.Append(Argument).Append(argument).Append('\n');
        }

        text.Append("cache ").Append(cacheDirectory).Append('\n');
        text.Append("cuda ").Append(cudaPath).Append('\n');
        foreach (var file in Libraries(toolPath))
        {
            text.Append("tool ").Append(InputList.Line(file, InputList.StateOf(file))).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>The tool and its libraries: a compiler that writes one of them again need not write the others.</summary>
    private static IEnumerable<string> Libraries(string toolPath) =>
        File.Exists(toolPath)
            ? Directory
                .GetFiles(Path.GetDirectoryName(toolPath)!, "*.dll")
                .OrderBy(file => file, StringComparer.Ordinal)
            : [toolPath];
}
