using System.CommandLine;
using System.CommandLine.Parsing;

namespace DiffusionQuant.Tool.CommandLine;

/// <summary>A command line as text, for reports that say how to repeat what they tell.</summary>
internal static class CommandText
{
    /// <summary>The command with all options that were given.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="without">Options that change nothing of the result.</param>
    public static string Of(ParseResult result, params Option[] without)
    {
        var words = new List<string> { "dotnet diffquant", result.CommandResult.Command.Name };
        foreach (var child in result.CommandResult.Children)
        {
            if (child is ArgumentResult argument)
            {
                words.AddRange(argument.Tokens.Select(t => Quoted(t.Value)));
            }
            else if (child is OptionResult { Implicit: false } option && !without.Contains(option.Option))
            {
                words.Add(option.Option.Name);
                words.AddRange(option.Tokens.Select(t => Quoted(t.Value)));
            }
        }

        return string.Join(' ', words);
    }

    private static string Quoted(string word) => word.Any(char.IsWhiteSpace) ? $"\"{word}\"" : word;
}
