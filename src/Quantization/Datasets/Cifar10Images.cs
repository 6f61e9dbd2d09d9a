namespace DiffusionQuant.Quantization.Datasets;

/// <summary>Images in CIFAR-10's binary format: records of a label byte and 32×32 RGB bytes, one plane after another.</summary>
internal sealed class Cifar10Images : IImageSource
{
    /// <summary>Pixels along a side.</summary>
    public const int Side = 32;

    /// <summary>Bytes of an image.</summary>
    public const int ImageBytes = Side * Side * 3;
    private const int RecordBytes = ImageBytes + 1;
    private const int ClassCount = 10;
    private readonly IReadOnlyList<string> files;

    public Cifar10Images(string name, IReadOnlyList<string> files)
    {
        Name = name;
        this.files = files;
        var count = 0L;
        foreach (var file in files)
        {
            var length = new FileInfo(file).Length;
            if (length == 0 || length % RecordBytes != 0)
            {
                throw DatasetErrors.BadData(
                    file,
                    $"its {length} bytes are no whole number of CIFAR-10's records of {RecordBytes} bytes"
                );
            }

            count += length / RecordBytes;
        }

        Count = count;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public long? Count { get; }

    /// <inheritdoc/>
    public IEnumerable<RasterImage> Read(CancellationToken cancellation = default)
    {
        foreach (var file in files)
        {
            using var stream = OpenFile(file);
            var record = new byte[RecordBytes];
            for (var index = 0L; ReadRecord(stream, record, file); index++)
            {
                cancellation.ThrowIfCancellationRequested();
                if (record[0] >= ClassCount)
                {
                    throw DatasetErrors.BadData(
                        file,
                        $"record {index} has the label {record[0]}, so this is not CIFAR-10's format"
                    );
                }

                yield return new(Side, Side, 3, Interleave(record.AsSpan(1))) { Source = $"{file}[{index}]" };
            }
        }
    }

    private static FileStream OpenFile(string file)
    {
        try
        {
            return File.OpenRead(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DatasetErrors.BadData(file, e.Message.TrimEnd('.'), e);
        }
    }

    private static bool ReadRecord(FileStream stream, byte[] record, string file)
    {
        try
        {
            var read = stream.ReadAtLeast(record, record.Length, throwOnEndOfStream: false);
            return read == record.Length
                || (read == 0 ? false : throw DatasetErrors.BadData(file, "its last record is cut off"));
        }
        catch (IOException e)
        {
            throw DatasetErrors.BadData(file, e.Message.TrimEnd('.'), e);
        }
    }

    private static byte[] Interleave(ReadOnlySpan<byte> planes)
    {
        const int Area = Side * Side;
        var result = new byte[ImageBytes];
        for (var i = 0; i < Area; i++)
        {
            result[i * 3] = planes[i];
            result[(i * 3) + 1] = planes[i + Area];
            result[(i * 3) + 2] = planes[i + (2 * Area)];
        }

        return result;
    }
}
