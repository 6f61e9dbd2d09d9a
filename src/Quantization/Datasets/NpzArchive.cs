using System.IO.Compression;

namespace DiffusionQuant.Quantization.Datasets;

/// <summary>Reads the arrays of a <c>.npz</c> file one by one: it is a zip archive of <c>.npy</c> files.</summary>
internal static class NpzArchive
{
    private const string Ending = ".npy";

    /// <summary>The names of its arrays.</summary>
    public static IReadOnlyList<string> Names(string path)
    {
        try
        {
            using var archive = ZipFile.OpenRead(path);
            return
            [
                .. archive
                    .Entries.Where(e => e.FullName.EndsWith(Ending, StringComparison.Ordinal))
                    .Select(e => e.FullName[..^Ending.Length]),
            ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw DatasetErrors.BadData(path, e.Message.TrimEnd('.'), e);
        }
    }

    /// <summary>An array's file, unpacked while it is read.</summary>
    public static Stream Open(string path, string array)
    {
        var archive = ZipFile.OpenRead(path);
        try
        {
            return new EntryStream(archive, archive.GetEntry(array + Ending)!.Open());
        }
        catch
        {
            archive.Dispose();
            throw;
        }
    }

    /// <summary>An entry that closes its archive.</summary>
    private sealed class EntryStream(ZipArchive archive, Stream entry) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => entry.Read(buffer, offset, count);

        public override int Read(Span<byte> buffer) => entry.Read(buffer);

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                entry.Dispose();
                archive.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
