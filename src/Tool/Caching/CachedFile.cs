namespace DiffusionQuant.Tool.Caching;

/// <summary>A file as it was when it was put into the cache.</summary>
/// <param name="Size">In bytes.</param>
/// <param name="Sha256">Of its content, in hexadecimal.</param>
internal sealed record CachedFile(long Size, string Sha256);
