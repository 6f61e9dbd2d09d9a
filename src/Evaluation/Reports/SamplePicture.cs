using System.Buffers.Binary;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Evaluation.Reports;

/// <summary>A sample's PNG file, ready to stand in the page.</summary>
/// <param name="DataUri">The file's bytes as a <c>data:</c> URI.</param>
/// <param name="Width">Pixels from left to right.</param>
/// <param name="Height">Pixels from top to bottom.</param>
internal sealed record SamplePicture(string DataUri, int Width, int Height)
{
    private const int HeaderEnd = 24;
    private static readonly byte[] Signature = [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Reads a picture.</summary>
    /// <param name="folder">The report's folder.</param>
    /// <param name="path">The picture, relative to it.</param>
    /// <exception cref="DiffusionQuantException">DQ3072: it cannot be shown.</exception>
    public static SamplePicture Load(string folder, string path)
    {
        var root = Path.GetFullPath(folder);
        var file = Path.GetFullPath(Path.Combine(root, path));
        // A metrics.json may come from elsewhere; it must not choose files of this machine to be published.
        if (Path.GetRelativePath(root, file) is var inside && (inside.StartsWith("..") || Path.IsPathRooted(inside)))
        {
            throw ReportErrors.NoPicture(file, $"it lies outside the folder {root}.");
        }

        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ReportErrors.NoPicture(file, e.Message, e);
        }

        if (bytes.Length < HeaderEnd || !bytes.AsSpan(0, Signature.Length).SequenceEqual(Signature))
        {
            throw ReportErrors.NoPicture(file, "it is no PNG file.");
        }

        return new(
            $"data:image/png;base64,{Convert.ToBase64String(bytes)}",
            BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(HeaderEnd - 8)),
            BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(HeaderEnd - 4))
        );
    }
}
