namespace DiffusionQuant.Onnx.Serialization;

/// <summary>Finds where a path really leads when files or folders on it are symbolic links.</summary>
internal static class LinkResolver
{
    // As many as Linux follows before it takes them for a circle.
    private const int MostLinks = 40;

    /// <summary>The path without links; parts that do not exist are kept as they are.</summary>
    public static string Resolve(string fullPath)
    {
        var links = 0;
        return Resolve(fullPath, ref links);
    }

    private static string Resolve(string fullPath, ref int links)
    {
        var parent = Path.GetDirectoryName(fullPath);
        if (parent is null)
        {
            return fullPath;
        }

        var path = Path.Combine(Resolve(parent, ref links), Path.GetFileName(fullPath));
        var info = new FileInfo(path);
        if (info.LinkTarget is not { } target)
        {
            return path;
        }

        return ++links > MostLinks
            ? throw new IOException($"Too many symbolic links at '{path}'.")
            : Resolve(Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, target)), ref links);
    }
}
