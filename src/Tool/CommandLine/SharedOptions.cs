using System.CommandLine;
using DiffusionQuant.Tool.Output;

namespace DiffusionQuant.Tool.CommandLine;

/// <summary>The options of every command: how it speaks.</summary>
internal static class SharedOptions
{
    public static readonly Option<bool> Json = new("--json")
    {
        Description = "Print one JSON object on standard output, and all else on standard error",
        Recursive = true,
    };

    public static readonly Option<bool> PrefixOutput = new("--prefix-output")
    {
        Description =
            "Begin each line with 'info: ', 'warn: ', 'error: ', 'verbose: ' or 'data: ', for programs to read",
        Recursive = true,
    };

    public static readonly Option<bool> NoColor = new("--no-color")
    {
        Description = "Use no colours; so does the environment variable NO_COLOR",
        Recursive = true,
    };

    public static readonly Option<string> Verbosity = new("--verbosity", "-v")
    {
        Description = "How much to say: q[uiet], m[inimal], n[ormal] or d[etailed]",
        HelpName = "q|m|n|d",
        DefaultValueFactory = _ => "n",
        Recursive = true,
    };

    /// <summary>The option of commands whose work takes long.</summary>
    public static Option<string?> CreateProgressFile() =>
        new("--progress-file")
        {
            Description = "Keep a JSON file up to date: stage, fraction, etaSeconds, updated",
            HelpName = "FILE",
        };

    // Once and not for each command line: command lines that are read at the same time share the options.
    static SharedOptions() =>
        Verbosity.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && Parse(token.Value) is null)
            {
                result.AddError($"There is no verbosity '{token.Value}'. It may be q, m, n or d.");
            }
        });

    public static void AddTo(Command command)
    {
        command.Options.Add(Json);
        command.Options.Add(PrefixOutput);
        command.Options.Add(NoColor);
        command.Options.Add(Verbosity);
    }

    /// <summary>The reporter that these options ask for; works for command lines with errors too.</summary>
    public static Reporter CreateReporter(ParseResult result, ToolHost host)
    {
        return new(
            host,
            Parse(Value(result, Verbosity) ?? "n") ?? Output.Verbosity.Normal,
            Value(result, Json),
            Value(result, PrefixOutput),
            Value(result, NoColor) || host.Variable("NO_COLOR") is { Length: > 0 }
        );
    }

    private static T? Value<T>(ParseResult result, Option<T> option) =>
        // A value that is not understood must not hide the message that says so.
        result.GetResult(option)
            is { } given
        && !given.Errors.Any()
            ? result.GetValue(option)
            : default;

    private static Verbosity? Parse(string text)
    {
        foreach (var level in Enum.GetValues<Verbosity>())
        {
            var name = level.ToString();
            if (
                text.Equals(name, StringComparison.OrdinalIgnoreCase)
                || text.Equals(name[..1], StringComparison.OrdinalIgnoreCase)
            )
            {
                return level;
            }
        }

        return null;
    }
}
