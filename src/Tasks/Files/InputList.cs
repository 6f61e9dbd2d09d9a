using System.Security.Cryptography;
using System.Text;

namespace DiffusionQuant.Build.Files;

/// <summary>
/// A text file with what a result was made from: each file and folder that was read or looked for, one a line, in the state
/// in which it was found. The tool, which knows what it reads, writes it; a build compares it with what is there now. This
/// file is compiled into both. Contents are not hashed.
/// </summary>
internal static class InputList
{
    private const string Missing = "missing";

    // Called after a model and perhaps in its folder, but written about it.
    private static readonly string[] Snapshots = [".metrics.verified.json", ".metrics.received.json"];

    /// <summary>
    /// The state of a file (size and time), of a folder (names, sizes and times of all files below it), or of nothing. Behind
    /// a link it is that of what the link leads to. Has no spaces.
    /// </summary>
    public static string StateOf(string path)
    {
        var folder = new DirectoryInfo(path);
        if (!folder.Exists)
        {
            return StateOf(new FileInfo(path));
        }

        var prefix = folder.FullName.TrimEnd(Path.DirectorySeparatorChar).Length + 1;
        var lines = folder
            .EnumerateFiles("*", SearchOption.AllDirectories)
            .Where(file => !IsSnapshot(file))
            .Select(file => $"{file.FullName.Substring(prefix)} {StateOf(file)}")
            .OrderBy(line => line, StringComparer.Ordinal);
        using var hash = SHA256.Create();
#pragma warning disable CA1850 // .NET Standard has no HashData.
        var bytes = hash.ComputeHash(Encoding.UTF8.GetBytes(string.Join("\n", lines)));
#pragma warning restore CA1850
        return $"folder:{string.Concat(bytes.Take(16).Select(b => b.ToString("x2")))}";
    }

    /// <summary>The line of a path in a state.</summary>
    public static string Line(string path, string state) => $"{state} {path}";

    /// <summary>The paths in a list, and the state that each had; none where there is no list.</summary>
    public static IEnumerable<(string Path, string State)> Read(string list) =>
        from line in File.Exists(list) ? File.ReadAllLines(list) : []
        let end = line.IndexOf(' ')
        where end > 0
        select (line.Substring(end + 1), line.Substring(0, end));

    /// <summary>The first path whose state is another than the list has, or the list itself where there is none.</summary>
    public static string? FindChanged(string list) =>
        File.Exists(list) ? Read(list).FirstOrDefault(entry => StateOf(entry.Path) != entry.State).Path : list;

    private static string StateOf(FileInfo file)
    {
        var target = Target(file);
        return target.Exists ? $"{target.Length}:{target.LastWriteTimeUtc.Ticks}" : Missing;
    }

    private static FileInfo Target(FileInfo file)
    {
        // A link has a size and a time of its own.
        if (!file.Exists || (file.Attributes & FileAttributes.ReparsePoint) == 0)
        {
            return file;
        }

#if NET
        return file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
#else
        // Newer than .NET Standard; where MSBuild runs on .NET Framework the link itself is all that can be seen.
        var resolve = typeof(FileSystemInfo).GetMethod("ResolveLinkTarget", [typeof(bool)]);
        return resolve?.Invoke(file, [true]) as FileInfo ?? file;
#endif
    }

    private static bool IsSnapshot(FileInfo file) =>
        Snapshots.Any(ending => file.Name.EndsWith(ending, StringComparison.OrdinalIgnoreCase));
}
