namespace DiffusionQuant.Build.Files;

/// <summary>A text file that names the files below a folder: one a line, relative to it, in a stable order.</summary>
internal static class FileList
{
    /// <summary>The files that a list names (absolute); empty where there is no list.</summary>
    public static IReadOnlyList<string> Read(string list, string folder) =>
        (AtomicFile.Read(list) ?? "")
            .Split(['\n'], StringSplitOptions.RemoveEmptyEntries)
            .Select(line => Path.Combine(folder, line.Trim().Replace('/', Path.DirectorySeparatorChar)))
            .ToList();

    /// <summary>Writes the list of what a folder holds.</summary>
    public static void Write(string list, string folder)
    {
        var prefix = folder.TrimEnd(Path.DirectorySeparatorChar).Length + 1;
        var lines = Under(folder).Select(file => file.FullName.Substring(prefix).Replace('\\', '/'));
        AtomicFile.Write(list, string.Join("\n", lines.OrderBy(l => l, StringComparer.Ordinal)) + "\n");
    }

    /// <summary>All files below a folder; none where there is no folder.</summary>
    public static IReadOnlyList<FileInfo> Under(string folder)
    {
        var info = new DirectoryInfo(folder);
        return info.Exists ? info.GetFiles("*", SearchOption.AllDirectories) : [];
    }
}
