namespace DiffusionQuant.Onnx.Serialization;

/// <summary>Recognises the small text files that stand for a large one in a repository with Git LFS.</summary>
internal static class GitLfs
{
    private static ReadOnlySpan<byte> Head => "version https://git-lfs.github.com/spec/"u8;

    public static bool IsPointer(string path)
    {
        using var stream = File.OpenRead(path);
        if (stream.Length > 1024)
        {
            return false;
        }

        Span<byte> start = stackalloc byte[Head.Length];
        return stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length
            && start.SequenceEqual(Head);
    }
}
