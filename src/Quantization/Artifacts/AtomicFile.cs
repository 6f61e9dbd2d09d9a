using DiffusionQuant.Onnx.Serialization;

namespace DiffusionQuant.Quantization.Artifacts;

/// <summary>Writes files beside their place and renames them, so that a file is there as a whole or as it was.</summary>
public static class AtomicFile
{
    /// <summary>Writes a text file in UTF-8.</summary>
    /// <param name="path">The file; its folder is made where it is missing.</param>
    /// <param name="text">Its text.</param>
    /// <exception cref="IOException">It cannot be written; so for <see cref="UnauthorizedAccessException"/>.</exception>
    public static void WriteText(string path, string text) =>
        Write(
            path,
            stream =>
            {
                using var writer = new StreamWriter(stream, leaveOpen: true);
                writer.Write(text);
            }
        );

    /// <summary>Writes a file.</summary>
    /// <param name="path">The file; its folder is made where it is missing.</param>
    /// <param name="write">Writes its content.</param>
    /// <exception cref="IOException">It cannot be written; so for <see cref="UnauthorizedAccessException"/>.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        var target = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        // A name of its own for each writer: two that write one file at once do not write into each other's.
        var beside = UnfinishedWork.Begin($"{target}.{Path.GetRandomFileName()}.tmp");
        try
        {
            using (var stream = File.Create(beside))
            {
                write(stream);
            }

            File.Move(beside, target, overwrite: true);
        }
        catch
        {
            File.Delete(beside);
            throw;
        }
        finally
        {
            UnfinishedWork.End(beside);
        }
    }
}
