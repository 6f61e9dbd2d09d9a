namespace DiffusionQuant.Diffusion.Tests;

/// <summary>Files of the repository, found from the test's own folder upward.</summary>
internal static class Repository
{
    public static string SampleModel { get; } = PathOf("samples/ImageApp/Models/ddpm-fashion");

    /// <summary>A small text-to-image model in Stable Diffusion 1's form.</summary>
    public static string Clothes { get; } = PathOf("samples/TextToImage/Models/sd-clothes");

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
