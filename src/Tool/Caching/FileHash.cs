using System.Security.Cryptography;

namespace DiffusionQuant.Tool.Caching;

/// <summary>SHA-256 of files' contents.</summary>
internal static class FileHash
{
    public static async Task<string> ComputeAsync(string path, CancellationToken cancellation)
    {
        await using var stream = new FileStream(
            path,
            new FileStreamOptions
            {
                Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
                BufferSize = 1 << 20,
                Share = FileShare.Read,
            }
        );
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellation));
    }
}
