using System.Text;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Features;

/// <summary>What distribution metrics need of a set of real images, seen through one extractor.</summary>
public sealed class ReferenceStatistics
{
    /// <summary>The ending of a reference's file.</summary>
    public const string FileEnding = ".dqref";

    private readonly Lazy<ReferenceIdentity> identity;

    internal ReferenceStatistics(
        string name,
        long images,
        ExtractorIdentity extractor,
        GaussianStatistics features,
        GaussianStatistics? spatial,
        FeatureReservoir reservoir
    )
    {
        Name = name;
        Images = images;
        Extractor = extractor;
        Features = features;
        Spatial = spatial;
        Sample = reservoir;
        Reservoir = reservoir.Rows();
        identity = new(() => new(Name, Hash(), Images));
    }

    /// <summary>What people call the set.</summary>
    public string Name { get; }

    /// <summary>How many images it has; 0 where a file of mean and covariance does not tell.</summary>
    public long Images { get; }

    /// <summary>The extractor it was made with.</summary>
    public ExtractorIdentity Extractor { get; }

    /// <summary>Mean and covariance of the features.</summary>
    public GaussianStatistics Features { get; }

    /// <summary>Mean and covariance of the feature map, for sFID; null where there is none.</summary>
    public GaussianStatistics? Spatial { get; }

    /// <summary>Rows of single images one after another, for KID, precision and recall; empty where there are none.</summary>
    public float[] Reservoir { get; }

    /// <summary>The name, and the SHA-256 of all that is above.</summary>
    public ReferenceIdentity Identity => identity.Value;

    /// <summary>Rows of single images with their indices.</summary>
    internal FeatureReservoir Sample { get; }

    /// <summary>Makes a reference of images.</summary>
    /// <param name="name">What to call it.</param>
    /// <param name="source">The images.</param>
    /// <param name="extractor">The extractor.</param>
    /// <param name="options">The size of the reservoir; by default 10 000 rows.</param>
    /// <param name="progress">Told after each batch.</param>
    /// <param name="cancellation">Stops the work.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3024, DQ3025: the images do not suit the extractor.
    /// DQ1052, DQ3027, DQ3028: they cannot be read. DQ3029: there are fewer than two.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static ReferenceStatistics Make(
        string name,
        IImageSource source,
        FeatureExtractor extractor,
        ReferenceOptions? options = null,
        IProgress<ReferenceProgress>? progress = null,
        CancellationToken cancellation = default
    )
    {
        options ??= ReferenceOptions.Default;
        GaussianStatistics? features = null;
        GaussianStatistics? spatial = null;
        var reservoir = new FeatureReservoir(options.ReservoirSize, extractor.Dimensions);
        var done = 0L;
        foreach (var images in source.Read(cancellation).Chunk(options.BatchSize))
        {
            var batch = extractor.Extract(images, cancellation);
            // Centred at the first batch's mean, so that large means do not cancel.
            features ??= new(extractor.Dimensions, Means(batch.Features, extractor.Dimensions));
            features.Add(batch.Features);
            if (batch.Spatial is { } maps)
            {
                spatial ??= new(extractor.SpatialDimensions!.Value, Means(maps, extractor.SpatialDimensions.Value));
                spatial.Add(maps);
            }

            reservoir.Add(done, batch.Features);
            done += images.Length;
            progress?.Report(new(done, source.Count));
        }

        return features is not null && done >= 2
            ? new(name, done, extractor.Identity, features, spatial, reservoir)
            : throw FeatureErrors.TooFewImages(source.Name, done);
    }

    /// <summary>Loads a reference, or makes one.</summary>
    /// <param name="nameOrPath"><c>fashion-mnist</c>, which is built in for the extractor that is; a <c>.dqref</c> file; a
    /// <c>.npz</c> file with <c>mu</c> and <c>sigma</c> of the standard Inception network, as pytorch-fid and the ADM
    /// evaluator have them (with <c>arr_0</c> besides, its images make the reservoir); or image data for
    /// <see cref="ImageSources.Open"/>, whose features are computed now.</param>
    /// <param name="extractor">The extractor that the reference must be made with.</param>
    /// <param name="progress">Told while features are computed.</param>
    /// <param name="cancellation">Stops the work.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3026, DQ3030: there is none, or it is damaged. DQ3031:
    /// it was made with another extractor. Others as for <see cref="Make"/>.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static ReferenceStatistics Load(
        string nameOrPath,
        FeatureExtractor extractor,
        IProgress<ReferenceProgress>? progress = null,
        CancellationToken cancellation = default
    )
    {
        if (ReferenceFile.FindEmbedded(nameOrPath) is { } embedded)
        {
            return Fitting(embedded, nameOrPath, extractor);
        }

        if (nameOrPath.EndsWith(FileEnding, StringComparison.OrdinalIgnoreCase))
        {
            return Fitting(ReferenceFile.Read(nameOrPath), nameOrPath, extractor);
        }

        if (
            nameOrPath.EndsWith(".npz", StringComparison.OrdinalIgnoreCase)
            && File.Exists(nameOrPath)
            && MomentsFile.IsOne(nameOrPath, extractor)
        )
        {
            return MomentsFile.Load(nameOrPath, extractor, progress, cancellation);
        }

        var name = Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(nameOrPath));
        return Make(name, ImageSources.Open(nameOrPath), extractor, null, progress, cancellation);
    }

    /// <summary>Reads a <c>.dqref</c> file, whatever its extractor is.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3030: it is missing or damaged.</exception>
    public static ReferenceStatistics Read(string path) => ReferenceFile.Read(path);

    /// <summary>Writes a <c>.dqref</c> file, beside its place and renamed.</summary>
    /// <param name="path">The file; its folder is made where it is missing.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3034: it cannot be written.</exception>
    public void Save(string path) => ReferenceFile.Write(this, path);

    /// <summary>Writes the numbers, which are what the identity's hash is over.</summary>
    internal void WriteNumbers(BinaryWriter writer)
    {
        writer.Write(Images);
        Features.Write(writer);
        writer.Write(Spatial is not null);
        Spatial?.Write(writer);
        Sample.Write(writer);
    }

    private static ReferenceStatistics Fitting(
        ReferenceStatistics reference,
        string path,
        FeatureExtractor extractor
    ) =>
        reference.Extractor.Sha256 == extractor.Identity.Sha256
            ? reference
            : throw FeatureErrors.ReferenceOfOtherExtractor(
                path,
                $"{reference.Extractor.Name} {reference.Extractor.Sha256[..8]}",
                $"{extractor.Identity.Name} {extractor.Identity.Sha256[..8]}"
            );

    private static double[] Means(float[] rows, int dimensions)
    {
        var means = new double[dimensions];
        for (var i = 0; i < rows.Length; i++)
        {
            means[i % dimensions] += rows[i];
        }

        var count = rows.Length / dimensions;
        for (var i = 0; i < dimensions; i++)
        {
            means[i] /= count;
        }

        return means;
    }

    private string Hash()
    {
        using var stream = new HashingStream();
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(Extractor.Sha256);
            WriteNumbers(writer);
        }

        return stream.Finish();
    }
}
