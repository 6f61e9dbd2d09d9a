using DiffusionQuant.Onnx.Serialization;

namespace DiffusionQuant.Tool.Caching;

/// <summary>Verbs on whole folders.</summary>
internal static class Folders
{
    /// <summary>Removes a folder if it is there.</summary>
    public static void Delete(string folder)
    {
        if (Directory.Exists(folder))
        {
            foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            {
                Free(file);
            }

            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Says that nothing can be written into a folder, which need not exist yet, before long work for it begins.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1122: so it is.</exception>
    public static void CheckWritable(string folder)
    {
        var existing = Path.GetFullPath(folder);
        while (!Path.Exists(existing) && Path.GetDirectoryName(existing) is { } parent)
        {
            existing = parent;
        }

        try
        {
            var probe = Path.Combine(existing, $".diffquant-{Guid.NewGuid():N}");
            File.Create(probe, 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ToolErrors.CannotWrite(folder, e);
        }
    }

    /// <summary>Removes a folder that nothing was put into, and the same of the folder that it lies in.</summary>
    public static void DeleteEmpty(string folder)
    {
        for (var i = 0; i < 2 && Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any(); i++)
        {
            Directory.Delete(folder);
            folder = Path.GetDirectoryName(folder)!;
        }
    }

    /// <summary>Puts a folder in the place of another one, by renaming; both are on one volume.</summary>
    public static void Replace(string target, string source)
    {
        using var placing = UnfinishedWork.Place();
        var old = $"{target}.{Guid.NewGuid():N}.old";
        var replaces = Directory.Exists(target);
        if (replaces)
        {
            Directory.Move(target, old);
        }

        try
        {
            Directory.Move(source, target);
        }
        catch (IOException) when (replaces && !Directory.Exists(target))
        {
            Directory.Move(old, target);
            throw;
        }

        Delete(old);
    }

    /// <summary>Copies a folder's files, as files of their own: a link would let a change in one harm the other.</summary>
    public static void Copy(string source, string target, CancellationToken cancellation)
    {
        foreach (var path in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            cancellation.ThrowIfCancellationRequested();
            var copy = Path.Combine(target, Path.GetRelativePath(source, path));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(path, copy);
            Free(copy);
        }
    }

    /// <summary>Lets a file be changed and removed, which Windows refuses for read-only ones.</summary>
    private static void Free(string file)
    {
        var attributes = File.GetAttributes(file);
        if (attributes.HasFlag(FileAttributes.ReadOnly))
        {
            File.SetAttributes(file, attributes & ~FileAttributes.ReadOnly);
        }
    }
}
