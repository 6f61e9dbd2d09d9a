using System.CommandLine;
using System.Text.RegularExpressions;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Tool.CommandLine;

/// <summary>Says what is wrong with a command line, in words of users.</summary>
internal static partial class ParseMessages
{
    public static IEnumerable<string> Of(ParseResult result)
    {
        if (result.UnmatchedTokens is [var unknown, ..])
        {
            // What follows from a word that is not known (a command that is missing, say) needs no line of its own.
            return [Unknown(result.CommandResult.Command, unknown)];
        }

        return result.Errors.Select(e => InWords(e.Message)).Distinct();
    }

    private static string Unknown(Command command, string word)
    {
        var isOption = word.StartsWith('-');
        var known = isOption
            ? OptionsOf(command)
                .SelectMany(o => o.Aliases.Append(o.Name))
                .Where(n => n.StartsWith("--", StringComparison.Ordinal))
            : command.Subcommands.Select(c => c.Name);
        var meant = NearMatch.Of(word, known);
        var kind =
            isOption ? "option"
            : command.Subcommands.Count > 0 ? "command"
            : "argument";
        var text = kind == "argument" ? $"'{word}' is one argument too many" : $"There is no {kind} '{word}'";
        return meant is null ? text : $"{text}. Did you mean '{meant}'?";
    }

    private static IEnumerable<Option> OptionsOf(Command command) =>
        command.Options.Concat(command.Parents.OfType<Command>().SelectMany(p => p.Options.Where(o => o.Recursive)));

    private static string InWords(string message) =>
        ExpectedType()
            .Replace(
                message,
                match =>
                    match.Groups[1].Value switch
                    {
                        "Int32" or "Int64" => ": a whole number is expected",
                        "Double" => ": a number is expected",
                        "Boolean" => ": true or false is expected",
                        _ => match.Value,
                    }
            )
            .TrimEnd('.', ' ');

    /// <summary>How System.CommandLine names the type of a value, be it optional or not.</summary>
    [GeneratedRegex(@" as expected type '(?:System\.Nullable`1\[)?System\.(\w+)\]?'")]
    private static partial Regex ExpectedType();
}
