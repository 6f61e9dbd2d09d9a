using System.Security.Cryptography;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>Identifies the files that a recipe names by their content.</summary>
public static class RecipeContent
{
    /// <summary>SHA-256 over files, with their names, in lower-case hexadecimal; that of nothing where none is.</summary>
    /// <param name="path">A file, or a folder.</param>
    /// <param name="pattern">Which files of a folder count.</param>
    /// <param name="below">Whether those of the folders below it count too.</param>
    public static string HashOf(string path, string pattern = "*", bool below = false)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        try
        {
            string[] files =
                Directory.Exists(path)
                    ? Directory.GetFiles(path, pattern, new EnumerationOptions { RecurseSubdirectories = below })
                : File.Exists(path) ? [path]
                : [];
            foreach (var (name, file) in files.Select(f => (Name(f), f)).OrderBy(f => f.Item1, StringComparer.Ordinal))
            {
                hash.AppendData(System.Text.Encoding.UTF8.GetBytes(name));
                using var stream = File.OpenRead(file);
                hash.AppendData(SHA256.HashData(stream));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Loading them says what is wrong with them; a recipe can be made all the same.
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());

        string Name(string file) =>
            file == path ? Path.GetFileName(file) : Path.GetRelativePath(path, file).Replace('\\', '/');
    }
}
