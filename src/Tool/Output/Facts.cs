using Spectre.Console;

namespace DiffusionQuant.Tool.Output;

/// <summary>Prints names and texts in two columns, without the blanks at line ends that a grid leaves in files.</summary>
internal static class Facts
{
    public static void Show(IAnsiConsole console, params IEnumerable<(string Name, string? Text)> facts)
    {
        var known = facts.Where(f => f.Text is not null).ToArray();
        var width = known.Max(f => f.Name.Length) + 2;
        foreach (var (name, text) in known)
        {
            console.Write(new Text(name.PadRight(width), new Style(decoration: Decoration.Bold)));
            console.WriteLine(text!);
        }
    }
}
