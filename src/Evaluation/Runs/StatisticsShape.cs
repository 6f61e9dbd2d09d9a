using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>What an extractor gives of an image, and around what its sums are taken.</summary>
/// <param name="Dimensions">Numbers of an image's features.</param>
/// <param name="Classes">Numbers of its logits; 0 for none.</param>
/// <param name="SpatialDimensions">Numbers of its spatial features; 0 for none.</param>
public sealed record StatisticsShape(int Dimensions, int Classes, int SpatialDimensions)
{
    /// <summary>A point near the features' mean, so that sums of squares do not cancel; empty for zero.</summary>
    public double[] Center { get; init; } = [];

    /// <summary>As <see cref="Center"/>, of the spatial features.</summary>
    public double[] SpatialCenter { get; init; } = [];

    /// <summary>The shape of an extractor's features, around a reference's means.</summary>
    public static StatisticsShape Of(FeatureExtractor extractor, ReferenceStatistics? reference) =>
        new(extractor.Dimensions, extractor.Classes ?? 0, extractor.SpatialDimensions ?? 0)
        {
            Center = reference?.Features.Mean() ?? [],
            SpatialCenter = reference?.Spatial?.Mean() ?? [],
        };

    internal void Write(BinaryWriter writer)
    {
        writer.Write(Dimensions);
        writer.Write(Classes);
        writer.Write(SpatialDimensions);
        Write(writer, Center);
        Write(writer, SpatialCenter);
    }

    internal static StatisticsShape Read(BinaryReader reader) =>
        new(reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32())
        {
            Center = DoubleArrays.Read(reader, reader.ReadInt32()),
            SpatialCenter = DoubleArrays.Read(reader, reader.ReadInt32()),
        };

    private static void Write(BinaryWriter writer, double[] center)
    {
        writer.Write(center.Length);
        DoubleArrays.Write(writer, center);
    }
}
