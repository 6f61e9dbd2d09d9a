namespace DiffusionQuant.Extensions.AI.Tests;

/// <summary>Files of the repository, found from the test's own folder upward.</summary>
internal static class Repository
{
    /// <summary>Makes 32×32 gray pictures, without prompts.</summary>
    public static string Fashion { get; } = PathOf("samples/ImageApp/Models/ddpm-fashion");

    /// <summary>Makes 64×64 colour pictures of prompts.</summary>
    public static string Clothes { get; } = PathOf("samples/TextToImage/Models/sd-clothes");

    public static string PathOf(string relative)
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var path = Path.Combine(folder, relative);
            if (Path.Exists(path))
            {
                return path;
            }
        }

        throw new FileNotFoundException(relative);
    }
}
