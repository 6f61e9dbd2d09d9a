using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>
/// What is kept of a model's images for distribution metrics: sums over features, which add up, in blocks of neighbouring
/// images, which give standard errors and the Inception Score's splits; and a sample of the features themselves.
/// </summary>
public sealed class ImageStatistics
{
    /// <summary>Blocks of a run of enough images: as many as torch-fidelity makes splits for the Inception Score.</summary>
    public const int UsualBlocks = 10;

    private const int LeastImagesOfBlock = 8;
    private const int LeastLeft = 5;
    private const long ReservoirBytes = 64L << 20;
    private const int ReservoirRows = 10_000;
    private readonly SortedDictionary<int, Block> blocks = [];
    private readonly StatisticsShape shape;
    private readonly int blockCount;

    /// <summary>Makes empty statistics.</summary>
    /// <param name="images">Images of the whole run, of which these may be a part.</param>
    /// <param name="shape">What the extractor gives.</param>
    public ImageStatistics(int images, StatisticsShape shape)
    {
        Images = images;
        this.shape = shape;
        blockCount = Math.Clamp(images / LeastImagesOfBlock, 1, UsualBlocks);
        var rows = Math.Min(ReservoirRows, ReservoirBytes / (sizeof(float) * shape.Dimensions));
        Reservoir = new((int)Math.Max(rows, 1), shape.Dimensions);
    }

    /// <summary>Images of the whole run.</summary>
    public int Images { get; }

    /// <summary>How many images were added.</summary>
    public long Count => blocks.Values.Sum(b => b.Features.Count);

    /// <summary>A sample of the features.</summary>
    public FeatureReservoir Reservoir { get; private set; }

    /// <summary>The blocks that have images.</summary>
    public IEnumerable<Block> Blocks => blocks.Values;

    /// <summary>Adds images.</summary>
    /// <param name="images">Their indices.</param>
    /// <param name="batch">Their features, in the same order.</param>
    public void Add(IReadOnlyList<int> images, FeatureBatch batch)
    {
        for (var i = 0; i < images.Count; i++)
        {
            var block = BlockOf(images[i]);
            var features = batch.Features.AsSpan(i * shape.Dimensions, shape.Dimensions);
            block.Features.Add(features);
            Reservoir.Add(images[i], features);
            block.Scores?.Add(batch.Logits.AsSpan(i * shape.Classes, shape.Classes));
            block.Spatial?.Add(batch.Spatial.AsSpan(i * shape.SpatialDimensions, shape.SpatialDimensions));
        }
    }

    /// <summary>Adds the statistics of other images of the same run.</summary>
    public void Add(ImageStatistics other)
    {
        foreach (var (index, block) in other.blocks)
        {
            if (!blocks.TryGetValue(index, out var mine))
            {
                blocks[index] = mine = new(shape);
            }

            mine.Features.Add(block.Features);
            mine.Spatial?.Add(block.Spatial!);
            mine.Scores?.Add(block.Scores!);
        }

        Reservoir.Add(other.Reservoir);
    }

    /// <summary>The numbers of the blocks that have images, ascending.</summary>
    internal IReadOnlyCollection<int> BlockIndices => blocks.Keys;

    /// <summary>Whether enough images for a covariance are left without any one of the blocks.</summary>
    internal bool MayLeaveOut => blocks.Count > 1 && blocks.Values.All(b => Count - b.Features.Count >= LeastLeft);

    /// <summary>The features' sums over all blocks.</summary>
    /// <param name="without">A block to leave out; null for none.</param>
    public GaussianStatistics Features(int? without = null) =>
        Sum(b => b.Features, shape.Dimensions, shape.Center, without);

    /// <summary>The spatial features' sums over all blocks; null where the extractor has none.</summary>
    /// <param name="without">A block to leave out; null for none.</param>
    public GaussianStatistics? Spatial(int? without = null) =>
        shape.SpatialDimensions == 0
            ? null
            : Sum(b => b.Spatial!, shape.SpatialDimensions, shape.SpatialCenter, without);

    /// <summary>The features in <see cref="Reservoir"/> one after another, by ascending image.</summary>
    /// <param name="without">A block whose images to leave out; null for none.</param>
    internal float[] Rows(int? without = null) =>
        without is null ? Reservoir.Rows() : Reservoir.Rows(image => IndexOf((int)image) != without);

    /// <summary>Writes them.</summary>
    public void Write(BinaryWriter writer)
    {
        writer.Write(blocks.Count);
        foreach (var (index, block) in blocks)
        {
            writer.Write(index);
            block.Features.Write(writer);
            block.Spatial?.Write(writer);
            block.Scores?.Write(writer);
        }

        Reservoir.Write(writer);
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <param name="reader">At its beginning.</param>
    /// <param name="images">As given to the constructor.</param>
    /// <param name="shape">As given to the constructor.</param>
    public static ImageStatistics Read(BinaryReader reader, int images, StatisticsShape shape)
    {
        var result = new ImageStatistics(images, shape);
        var count = reader.ReadInt32();
        for (var i = 0; i < count; i++)
        {
            result.blocks[reader.ReadInt32()] = Block.Read(reader, shape);
        }

        result.Reservoir = FeatureReservoir.Read(reader);
        return result;
    }

    private GaussianStatistics Sum(Func<Block, GaussianStatistics> part, int dimensions, double[] center, int? without)
    {
        var sum = new GaussianStatistics(dimensions, center);
        foreach (var (index, block) in blocks)
        {
            if (index != without)
            {
                sum.Add(part(block));
            }
        }

        return sum;
    }

    private int IndexOf(int image) => (int)((long)image * blockCount / Images);

    private Block BlockOf(int image)
    {
        var index = IndexOf(image);
        if (!blocks.TryGetValue(index, out var block))
        {
            blocks[index] = block = new(shape);
        }

        return block;
    }

    /// <summary>The statistics of neighbouring images.</summary>
    public sealed class Block
    {
        internal Block(StatisticsShape shape)
        {
            Features = new(shape.Dimensions, shape.Center);
            Spatial = shape.SpatialDimensions > 0 ? new(shape.SpatialDimensions, shape.SpatialCenter) : null;
            Scores = shape.Classes > 0 ? new(shape.Classes) : null;
        }

        private Block(GaussianStatistics features, GaussianStatistics? spatial, InceptionScoreSums? scores)
        {
            Features = features;
            Spatial = spatial;
            Scores = scores;
        }

        /// <summary>Sums of features.</summary>
        public GaussianStatistics Features { get; }

        /// <summary>Sums of spatial features; null where the extractor has none.</summary>
        public GaussianStatistics? Spatial { get; }

        /// <summary>Sums for the Inception Score; null where the extractor has no classes.</summary>
        public InceptionScoreSums? Scores { get; }

        internal static Block Read(BinaryReader reader, StatisticsShape shape) =>
            new(
                GaussianStatistics.Read(reader),
                shape.SpatialDimensions > 0 ? GaussianStatistics.Read(reader) : null,
                shape.Classes > 0 ? InceptionScoreSums.Read(reader) : null
            );
    }
}
