using Spectre.Console;

namespace DiffusionQuant.Tool.Output;

/// <summary>Makes Spectre consoles over the tool's writers.</summary>
internal static class Consoles
{
    /// <summary>A width at which nothing is wrapped: files and pipes have no edge.</summary>
    private const int Unbroken = 100_000;

    public static IAnsiConsole Create(TextWriter writer, bool noColor)
    {
        var output = new AnsiConsoleOutput(writer);
        var console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Out = output,
                Ansi = output.IsTerminal ? AnsiSupport.Detect : AnsiSupport.No,
                ColorSystem = noColor || !output.IsTerminal ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
                Interactive = output.IsTerminal ? InteractionSupport.Detect : InteractionSupport.No,
            }
        );
        if (!output.IsTerminal)
        {
            console.Profile.Width = Unbroken;
            console.Profile.Capabilities.Unicode = true;
        }

        return console;
    }
}
