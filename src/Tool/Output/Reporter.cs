using System.Text.Json.Serialization.Metadata;
using DiffusionQuant.Onnx.Diagnostics;
using Spectre.Console;

namespace DiffusionQuant.Tool.Output;

/// <summary>
/// Says things to a person or, with prefixes, to a program. Results go to standard output and all else to standard
/// error; with prefixes, which tell the two apart, everything goes to standard output in one order.
/// </summary>
internal sealed class Reporter(ToolHost host, Verbosity verbosity, bool json, bool prefix, bool noColor) : IDisposable
{
    private readonly Lock gate = new();
    private readonly HashSet<string> warned = new(StringComparer.Ordinal);
    private readonly IAnsiConsole messages = Consoles.Create(host.Error, noColor);
    private readonly IAnsiConsole results = Consoles.Create(host.Output, noColor);

    /// <summary>Whether a program reads the lines.</summary>
    public bool HasPrefixes => prefix;

    /// <summary>Whether notes and progress are wanted.</summary>
    public bool ShowsNotes => verbosity >= Verbosity.Normal;

    /// <summary>The terminal that progress may be drawn on; null where there is none.</summary>
    public IAnsiConsole? Terminal =>
        !prefix
        && ShowsNotes
        && messages.Profile is { Out.IsTerminal: true, Capabilities: { Ansi: true, Interactive: true } }
            ? messages
            : null;

    public void Error(DiffusionQuantException error) => Say("error: ", error.Code, error.Message, Color.Red);

    /// <summary>A failure without a code: ours.</summary>
    public void Fault(string text) => Say("error: ", null, text, Color.Red);

    /// <summary>A warning; one that was said is not said again.</summary>
    public void Warn(DiffusionQuantException warning)
    {
        if (verbosity >= Verbosity.Minimal && IsNew(warning))
        {
            Say("warn: ", warning.Code, warning.Message, Color.Yellow);
        }
    }

    public void Note(string text)
    {
        if (ShowsNotes)
        {
            Say("info: ", null, text, null);
        }
    }

    public void Verbose(string text)
    {
        if (verbosity >= Verbosity.Detailed)
        {
            foreach (var line in text.Split('\n'))
            {
                Say("verbose: ", null, line.TrimEnd('\r'), Color.Grey);
            }
        }
    }

    /// <summary>A command's result: JSON where that is asked for, else what <paramref name="show"/> prints.</summary>
    public void Result<T>(T result, JsonTypeInfo<T> type, Action<IAnsiConsole> show)
    {
        lock (gate)
        {
            if (prefix)
            {
                host.Output.WriteLine($"data: {JsonText.Compact(result, type)}");
            }
            else if (json)
            {
                host.Output.WriteLine(JsonText.Indented(result, type));
            }
            else
            {
                show(results);
            }
        }
    }

    /// <summary>A part of a result that is shown to a person alone.</summary>
    public void Show(Action<IAnsiConsole> show)
    {
        lock (gate)
        {
            show(results);
        }
    }

    public void Dispose()
    {
        host.Output.Flush();
        host.Error.Flush();
    }

    private bool IsNew(DiffusionQuantException warning)
    {
        lock (gate)
        {
            return warned.Add(warning.Message);
        }
    }

    private void Say(string kind, string? code, string text, Color? color)
    {
        lock (gate)
        {
            var coded = code is null ? text : $"{code}: {text}";
            if (prefix)
            {
                // One message is one line, whatever a library's text holds.
                host.Output.WriteLine(kind + coded.ReplaceLineEndings(" "));
                host.Output.Flush();
                return;
            }

            // Only what asks for attention names its kind to a person.
            var shown = kind is "error: " or "warn: " ? kind + coded : coded;
            messages.Write(new Text(shown + Environment.NewLine, color is { } c ? new Style(c) : Style.Plain));
        }
    }
}
