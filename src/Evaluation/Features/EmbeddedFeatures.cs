using System.Text;

namespace DiffusionQuant.Evaluation.Features;

/// <summary>The extractors and references that lie inside the assembly, as folders of files.</summary>
internal static class EmbeddedFeatures
{
    private const string Prefix = "features/";

    /// <summary>Whether there is such a file.</summary>
    public static bool Has(string folder, string file) =>
        typeof(EmbeddedFeatures).Assembly.GetManifestResourceInfo(Name(folder, file)) is not null;

    /// <summary>A file's content.</summary>
    public static byte[] Bytes(string folder, string file)
    {
        using var resource =
            typeof(EmbeddedFeatures).Assembly.GetManifestResourceStream(Name(folder, file))
            ?? throw new InvalidOperationException($"The assembly lacks its resource {Name(folder, file)}.");
        var bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>A text file's content.</summary>
    public static string Text(string folder, string file) => Encoding.UTF8.GetString(Bytes(folder, file));

    private static string Name(string folder, string file) => $"{Prefix}{folder}/{file}";
}
