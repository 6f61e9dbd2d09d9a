using System.Text.Json;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>The statistics of neighbouring images of a run: all that is needed of them, and all that is sent to be merged.</summary>
/// <param name="Header">What it is a part of.</param>
/// <param name="FirstImage">Its first image.</param>
/// <param name="EndImage">The image behind its last.</param>
/// <param name="Paired">Its images that were compared with the float model's.</param>
public sealed record EvaluationPart(PartHeader Header, int FirstImage, int EndImage, PairedStatistics Paired)
{
    /// <summary>How part files end.</summary>
    public const string Extension = ".dqpart";

    /// <summary>The layout of part files; another one has another name.</summary>
    internal const string Format = "DQPART05";

    private static ReadOnlySpan<byte> Magic => "DQPART05"u8;

    /// <summary>The model's images; null where no distribution is measured.</summary>
    public ImageStatistics? Model { get; init; }

    /// <summary>The float model's images; null where no distribution is measured or there is no float model.</summary>
    public ImageStatistics? Float { get; init; }

    /// <summary>What the extractor gives; null where no distribution is measured.</summary>
    public StatisticsShape? Shape { get; init; }

    /// <summary>Writes the file beside its place and renames it.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3014: it cannot be written.</exception>
    public void Save(string path)
    {
        try
        {
            SealedFile.Write(path, Magic, Write);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw EvaluationErrors.CannotWrite(path, e);
        }
    }

    /// <summary>The parts in a folder, by name.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3009: there are none.</exception>
    public static IReadOnlyList<string> FindIn(string folder)
    {
        var found = Directory.GetFiles(folder, $"*{Extension}").Order(StringComparer.Ordinal).ToArray();
        return found.Length > 0 ? found : throw EvaluationErrors.NoParts(folder);
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3005: it is missing, cut off, damaged, or something else.</exception>
    public static EvaluationPart Load(string path)
    {
        try
        {
            return SealedFile.Read(path, Magic, Read);
        }
        catch (Exception e)
            when (e
                    is IOException
                        or UnauthorizedAccessException
                        or JsonException
                        or InvalidDataException
                        or ArgumentException
                        or OverflowException
            )
        {
            throw EvaluationErrors.NotAPart(path, e.Message, e);
        }
    }

    private void Write(BinaryWriter writer)
    {
        writer.Write(Header.ToJson());
        writer.Write(FirstImage);
        writer.Write(EndImage);
        Paired.Write(writer);
        writer.Write(Shape is not null);
        if (Shape is not null)
        {
            Shape.Write(writer);
            Model!.Write(writer);
            writer.Write(Float is not null);
            Float?.Write(writer);
        }
    }

    private static EvaluationPart Read(BinaryReader reader)
    {
        var header = PartHeader.Parse(reader.ReadString());
        var part = new EvaluationPart(header, reader.ReadInt32(), reader.ReadInt32(), PairedStatistics.Read(reader));
        if (!reader.ReadBoolean())
        {
            return part;
        }

        var shape = StatisticsShape.Read(reader);
        var model = ImageStatistics.Read(reader, header.DistributionImages, shape);
        return part with
        {
            Shape = shape,
            Model = model,
            Float = reader.ReadBoolean() ? ImageStatistics.Read(reader, header.DistributionImages, shape) : null,
        };
    }
}
