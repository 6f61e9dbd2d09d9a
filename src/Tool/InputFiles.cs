using System.CommandLine;
using DiffusionQuant.Build.Files;

namespace DiffusionQuant.Tool;

/// <summary>
/// The files and folders that a command reads or looks for, each in the state in which it was found. A build keeps the list
/// and runs the command again when one of them changes.
/// </summary>
internal sealed class InputFiles
{
    // Not the host's clock: files have the system's times.
    private readonly DateTime started = DateTime.UtcNow;
    private readonly SortedDictionary<string, string> states = new(StringComparer.Ordinal);

    /// <summary>The option of commands that builds run.</summary>
    public static Option<string?> CreateOption() =>
        new("--inputs-file")
        {
            Description = "List the files that were read or looked for, with sizes and times",
            HelpName = "FILE",
        };

    /// <summary>Adds a file or a folder, whether it exists or not; nothing for null.</summary>
    public void Add(string? path)
    {
        if (path is null)
        {
            return;
        }

        var full = Path.GetFullPath(path);
        if (!states.ContainsKey(full))
        {
            states.Add(full, WasWritten(full) ? "written-meanwhile" : InputList.StateOf(full));
        }
    }

    /// <summary>Adds several.</summary>
    public void Add(IEnumerable<string> paths)
    {
        foreach (var path in paths)
        {
            Add(path);
        }
    }

    /// <summary>Writes the list; nothing for null.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1122: it cannot be written.</exception>
    public void Write(string? file)
    {
        if (file is null)
        {
            return;
        }

        try
        {
            File.WriteAllLines(file, states.Select(state => InputList.Line(state.Key, state.Value)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ToolErrors.CannotWrite(file, e);
        }
    }

    /// <summary>Whether a file may have been read before it was written last.</summary>
    private bool WasWritten(string path) =>
        File.Exists(path) && File.GetLastWriteTimeUtc(path) is var time && time > started && time <= DateTime.UtcNow;
}
