using System.Security.Cryptography;
using System.Text;

namespace DiffusionQuant.Tool.Caching;

/// <summary>Names a result by all that decides it.</summary>
internal static class CacheKey
{
    /// <summary>Changes when the layout of entries or the composition of keys does.</summary>
    private const string Layout = "1";

    /// <summary>The key of a result, in hexadecimal.</summary>
    /// <param name="modelFiles">The files that the model is read from, each with a name that does not depend on where it lies.</param>
    /// <param name="others">Recipe, versions, kind of device: one text each, in a fixed order.</param>
    /// <param name="cancellation">Ends the reading of large files.</param>
    public static async Task<string> ComputeAsync(
        IEnumerable<(string Name, string Path)> modelFiles,
        IEnumerable<string> others,
        CancellationToken cancellation
    )
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, Layout);
        foreach (var other in others)
        {
            Append(hash, other);
        }

        foreach (var (name, path) in modelFiles.OrderBy(f => f.Name, StringComparer.Ordinal))
        {
            Append(hash, name);
            Append(hash, await FileHash.ComputeAsync(path, cancellation));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, string text)
    {
        // With its length before it, no text can run into the next.
        var bytes = Encoding.UTF8.GetBytes(text);
        hash.AppendData(BitConverter.GetBytes(bytes.Length));
        hash.AppendData(bytes);
    }
}
