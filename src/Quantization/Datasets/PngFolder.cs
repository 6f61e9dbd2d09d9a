namespace DiffusionQuant.Quantization.Datasets;

/// <summary>The PNG files of a folder and its subfolders, in ordinal order of their paths.</summary>
internal sealed class PngFolder(string folder, IReadOnlyList<string> files) : IImageSource
{
    /// <inheritdoc/>
    public string Name => folder;

    /// <inheritdoc/>
    public long? Count => files.Count;

    /// <summary>The PNG files; their order is the same on every system.</summary>
    public static IReadOnlyList<string> Find(string folder)
    {
        try
        {
            return
            [
                .. Directory
                    .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                    .Where(f => f.EndsWith(".png", StringComparison.OrdinalIgnoreCase))
                    .OrderBy(f => Path.GetRelativePath(folder, f).Replace('\\', '/'), StringComparer.Ordinal),
            ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DatasetErrors.BadData(folder, e.Message.TrimEnd('.'), e);
        }
    }

    /// <inheritdoc/>
    public IEnumerable<RasterImage> Read(CancellationToken cancellation = default)
    {
        foreach (var file in files)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return PngImage.Load(file);
        }
    }
}
