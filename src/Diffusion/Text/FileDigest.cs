using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace DiffusionQuant.Diffusion;

/// <summary>SHA-256 of files, read once by a process as long as size and time stay: text encoders have gigabytes, and several
/// keys of a run are made of them.</summary>
internal static class FileDigest
{
    private static readonly ConcurrentDictionary<(string Path, long Length, DateTime Written), byte[]> Known = new();

    public static byte[] Of(string path)
    {
        var file = new FileInfo(path);
        return Known.GetOrAdd(
            (file.FullName, file.Length, file.LastWriteTimeUtc),
            key =>
            {
                using var stream = File.OpenRead(key.Path);
                return SHA256.HashData(stream);
            }
        );
    }
}
