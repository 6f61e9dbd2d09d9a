using System.Text.Json;

namespace DiffusionQuant.Tool.Caching;

/// <summary>What an entry of the cache holds; written last, so an entry that has one was complete.</summary>
/// <param name="Files">The entry's files by relative path.</param>
internal sealed record CacheManifest(SortedDictionary<string, CachedFile> Files)
{
    public const string FileName = "manifest.json";

    /// <summary>Describes a folder.</summary>
    public static async Task<CacheManifest> OfAsync(string folder, CancellationToken cancellation)
    {
        var files = new SortedDictionary<string, CachedFile>(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(folder, path).Replace('\\', '/');
            files.Add(name, new(new FileInfo(path).Length, await FileHash.ComputeAsync(path, cancellation)));
        }

        return new(files);
    }

    /// <summary>Reads an entry's manifest; null when there is none.</summary>
    /// <exception cref="JsonException">It is damaged.</exception>
    public static CacheManifest? Read(string path) =>
        File.Exists(path)
            ? JsonSerializer.Deserialize(File.ReadAllBytes(path), ToolJson.Default.CacheManifest)
                ?? throw new JsonException("It is null.")
            : null;

    public void Write(string path) =>
        File.WriteAllBytes(path, JsonSerializer.SerializeToUtf8Bytes(this, ToolJson.Default.CacheManifest));

    /// <summary>What is wrong with a folder; null when it is as described.</summary>
    public async Task<string?> FindFaultAsync(string folder, CancellationToken cancellation)
    {
        // All sizes first: they cost nothing.
        foreach (var (name, file) in Files)
        {
            var info = new FileInfo(Path.Combine(folder, name));
            if (!info.Exists)
            {
                return $"{name} is missing";
            }

            if (info.Length != file.Size)
            {
                return $"{name} has {info.Length} bytes, not {file.Size}";
            }
        }

        foreach (var (name, file) in Files)
        {
            if (await FileHash.ComputeAsync(Path.Combine(folder, name), cancellation) != file.Sha256)
            {
                return $"{name} has changed";
            }
        }

        return null;
    }
}
