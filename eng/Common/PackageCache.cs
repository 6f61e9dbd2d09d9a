/// <summary>NuGet's folder of unpacked packages, which all projects of a user share.</summary>
internal static class PackageCache
{
    private static string Folder =>
        Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } folder
            ? folder
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    /// <summary>
    /// Removes the unpacked copies of the packages in a folder. NuGet takes a version's content for constant and would
    /// otherwise go on using what was packed under the same version before.
    /// </summary>
    public static void Forget(string packages, string version)
    {
        foreach (string file in Directory.GetFiles(packages, $"*.{version}.nupkg"))
        {
            string id = Path.GetFileName(file)[..^$".{version}.nupkg".Length].ToLowerInvariant();
            string unpacked = Path.Combine(Folder, id, version);
            if (Directory.Exists(unpacked))
            {
                Directory.Delete(unpacked, recursive: true);
            }
        }
    }
}
