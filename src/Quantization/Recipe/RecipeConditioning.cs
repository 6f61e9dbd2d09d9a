using System.Security.Cryptography;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>Identifies a recipe's conditioning by its content.</summary>
public static class RecipeConditioning
{
    /// <summary>SHA-256 over the arrays' files, with their names, in lower-case hexadecimal; that of nothing where none is.</summary>
    public static string HashOf(string path)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        try
        {
            string[] files =
                Directory.Exists(path) ? Directory.GetFiles(path, "*.npy")
                : File.Exists(path) ? [path]
                : [];
            foreach (var file in files.OrderBy(f => Path.GetFileName(f), StringComparer.Ordinal))
            {
                hash.AppendData(System.Text.Encoding.UTF8.GetBytes(Path.GetFileName(file)));
                using var stream = File.OpenRead(file);
                hash.AppendData(SHA256.HashData(stream));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Loading the arrays says what is wrong with them; a recipe can be made all the same.
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
