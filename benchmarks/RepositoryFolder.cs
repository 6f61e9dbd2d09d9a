namespace DiffusionQuant.Benchmarks;

/// <summary>The repository that the benchmark lies in.</summary>
internal static class RepositoryFolder
{
    /// <summary>Its root; null where the benchmark was taken elsewhere.</summary>
    public static string? Root
    {
        get
        {
            for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            {
                if (File.Exists(Path.Combine(folder, "DiffusionQuant.Build.sln")))
                {
                    return folder;
                }
            }

            return null;
        }
    }

    /// <summary>A place in it; in the current folder where there is no repository.</summary>
    public static string PathOf(params ReadOnlySpan<string> parts) =>
        Path.Combine([Root ?? Environment.CurrentDirectory, .. parts]);
}
