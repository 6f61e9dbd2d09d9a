namespace DiffusionQuant.Diffusion.Tests;

/// <summary>Files of the repository, found from the test's own folder upward.</summary>
internal static class Repository
{
    public static string SampleModel { get; } = PathOf("samples/ImageApp/Models/ddpm-fashion");

    public static string PathOf(string relative)
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var path = Path.Combine(folder, relative);
            if (File.Exists(path) || Directory.Exists(path))
            {
                return path;
            }
        }

        throw new FileNotFoundException(relative);
    }
}
