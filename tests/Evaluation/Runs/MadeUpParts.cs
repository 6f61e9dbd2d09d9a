using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Evaluation.Runs;

namespace DiffusionQuant.Evaluation.Tests.Runs;

/// <summary>Parts of a run that no model made: what is in an image depends on its number.</summary>
internal static class MadeUpParts
{
    private static readonly StatisticsShape Shape = new(2, 3, 4) { Center = [0.5, -1], SpatialCenter = [1, 2, 3, 4] };

    public static PartHeader Header { get; } =
        new()
        {
            ToolVersion = "1.0.0",
            AlgorithmVersion = 1,
            RuntimeVersion = "1.29.0",
            Device = "cpu",
            Command = "diffquant evaluate quantized --float float",
            Model = new("model", Hash('a'), 100, "W4A8", "mse", Hash('b')),
            Float = new("model", Hash('c'), 400),
            Sampling = new("ddim", 2, Hash('d'), 0, null, 1),
            Timesteps = [50, 0],
            OutputLength = 64,
            Extractor = new("tiny", Hash('e')),
            PairedImages = 6,
            DistributionImages = 40,
            BatchSize = 4,
        };

    /// <summary>A part of the run of <see cref="Header"/>.</summary>
    public static EvaluationPart Make(Shard shard, PartHeader? header = null)
    {
        header = (header ?? Header) with { ShardIndex = shard.Index, ShardCount = shard.Count };
        var batches = shard.Of((header.Images + header.BatchSize - 1) / header.BatchSize);
        return Make(
            header,
            Math.Min(batches.Start.Value * header.BatchSize, header.Images),
            Math.Min(batches.End.Value * header.BatchSize, header.Images)
        );
    }

    /// <summary>The images from the first to the one before the end.</summary>
    public static EvaluationPart Make(PartHeader header, int first, int end)
    {
        var paired = new PairedStatistics();
        for (var i = first; i < Math.Min(end, header.PairedImages); i++)
        {
            paired.Add(
                new PairedImage(i, 30 + i, 1 - (0.01 * i), [(100 + i, 1.0 / (i + 1)), (90, 2)])
                {
                    Latents = (50 + i, 0.5),
                    // Some were made without.
                    Clip = i % 2 == 0 ? (20 + i, 19) : null,
                    FloatPng = [1, 2, (byte)i],
                    QuantizedPng = [3, (byte)i],
                }
            );
        }

        return new(header, first, end, paired)
        {
            Shape = Shape,
            Model = Statistics(header, first, end, 0.1f),
            Float = Statistics(header, first, end, 0),
        };
    }

    public static string Hash(char digit) => new(digit, 64);

    private static ImageStatistics Statistics(PartHeader header, int first, int end, float shift)
    {
        var statistics = new ImageStatistics(header.DistributionImages, Shape);
        for (var i = first; i < Math.Min(end, header.DistributionImages); i++)
        {
            float[] Wave(int length) => [.. Enumerable.Range(1, length).Select(k => shift + MathF.Sin(i * k))];
            statistics.Add([i], new FeatureBatch(1, Wave(2), Wave(3), Wave(4)));
        }

        return statistics;
    }
}
