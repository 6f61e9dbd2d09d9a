namespace DiffusionQuant.Quantization.Datasets;

/// <summary>The image files of a folder and its subfolders, in ordinal order of their paths.</summary>
internal sealed class ImageFolder : IImageSource
{
    private readonly IReadOnlyList<string> files;

    private ImageFolder(string folder, IReadOnlyList<string> files, IReadOnlyList<string> others)
    {
        Name = folder;
        this.files = files;
        Others = others;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public long? Count => files.Count;

    /// <summary>The files that are not called like images, in the same order.</summary>
    public IReadOnlyList<string> Others { get; }

    /// <summary>Finds the files; their order is the same on every system.</summary>
    public static ImageFolder Find(string folder)
    {
        try
        {
            var all = Directory
                .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                .OrderBy(f => Path.GetRelativePath(folder, f).Replace('\\', '/'), StringComparer.Ordinal)
                .ToLookup(ImageFile.IsCalledLikeOne);
            return new(folder, [.. all[true]], [.. all[false]]);
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
            yield return ImageFile.Load(file);
        }
    }
}
