using System.Text.RegularExpressions;

/// <summary>NuGet's folder of unpacked packages, which all projects of a user share.</summary>
internal static partial class PackageCache
{
    private static string Folder =>
        Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } folder
            ? folder
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    /// <summary>
    /// Removes the unpacked copies of packages. NuGet takes a version's content for constant and would otherwise go on using
    /// what was packed under the same version before; and it keeps each version that it ever saw.
    /// </summary>
    public static void Forget(IEnumerable<string> packages)
    {
        foreach (string package in packages)
        {
            Match name = IdAndVersion().Match(Path.GetFileName(package));
            string unpacked = Path.Combine(
                Folder,
                name.Groups["id"].Value.ToLowerInvariant(),
                name.Groups["version"].Value.ToLowerInvariant()
            );
            if (name.Success && Directory.Exists(unpacked))
            {
                Directory.Delete(unpacked, recursive: true);
            }
        }
    }

    [GeneratedRegex(@"^(?<id>.+?)\.(?<version>\d+\.\d+\.\d+.*)\.nupkg$")]
    private static partial Regex IdAndVersion();
}
