using DiffusionQuant.Diffusion;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Features;

/// <summary>
/// Reads <c>.npz</c> files with mean and covariance, as pytorch-fid (<c>mu</c>, <c>sigma</c>) and the ADM evaluator
/// (<c>mu_s</c>, <c>sigma_s</c> for the feature map besides, images in <c>arr_0</c>) have them. They do not say which
/// extractor made them; by convention it is the standard Inception network, so no other one may use them.
/// </summary>
internal static class MomentsFile
{
    private const string Mean = "mu";
    private const string Covariance = "sigma";
    private const string SpatialMean = "mu_s";
    private const string SpatialCovariance = "sigma_s";

    /// <summary>Whether mean and covariance are to be taken from a file: they are there, and either the extractor is the
    /// one that made them, or there is nothing else that could be meant.</summary>
    public static bool IsOne(string path, FeatureExtractor extractor)
    {
        var arrays = NpzArchive.Names(path);
        return arrays.Contains(Mean)
            && arrays.Contains(Covariance)
            && (extractor.Identity.IsStandardInception || !arrays.Contains(ArrayImages.DefaultArray));
    }

    /// <summary>Reads the file.</summary>
    public static ReferenceStatistics Load(
        string path,
        FeatureExtractor extractor,
        IProgress<ReferenceProgress>? progress,
        CancellationToken cancellation
    )
    {
        if (!extractor.Identity.IsStandardInception)
        {
            throw FeatureErrors.ReferenceOfOtherExtractor(
                path,
                "the standard Inception network, as files of mu and sigma are by convention",
                $"{extractor.Identity.Name} {extractor.Identity.Sha256[..8]}"
            );
        }

        var arrays = NpzArchive.Names(path);
        var features = Read(path, Mean, Covariance, extractor.Dimensions);
        var spatial =
            arrays.Contains(SpatialMean)
            && arrays.Contains(SpatialCovariance)
            && extractor.SpatialDimensions is { } size
                ? Read(path, SpatialMean, SpatialCovariance, size)
                : null;
        var reservoir = arrays.Contains(ArrayImages.DefaultArray)
            ? ReferenceStatistics.Make("", ArrayImages.OpenNpz(path), extractor, null, progress, cancellation).Sample
            : new(0, extractor.Dimensions);
        return new(Path.GetFileNameWithoutExtension(path), images: 0, extractor.Identity, features, spatial, reservoir);
    }

    /// <summary>Reads one mean and covariance.</summary>
    internal static GaussianStatistics Read(string path, string mean, string covariance, int dimensions)
    {
        var (mu, muDims) = ReadDoubles(path, mean);
        var (sigma, sigmaDims) = ReadDoubles(path, covariance);
        if (
            mu.Length != dimensions
            || sigmaDims is not [var rows, var columns]
            || rows != dimensions
            || columns != rows
        )
        {
            throw FeatureErrors.BadReference(
                path,
                $"{mean} is ({string.Join(", ", muDims)}) and {covariance} ({string.Join(", ", sigmaDims)}), but the extractor has {dimensions} features"
            );
        }

        if (!mu.All(double.IsFinite) || !sigma.All(double.IsFinite))
        {
            throw FeatureErrors.BadReference(path, $"{mean} or {covariance} has numbers that are not finite");
        }

        // The file does not tell the number of images; any gives this mean and covariance back.
        return GaussianStatistics.OfMoments(2, mu, sigma);
    }

    /// <summary>All numbers of a small array as float64.</summary>
    private static (double[] Values, long[] Dims) ReadDoubles(string path, string array)
    {
        var name = $"{path}/{array}";
        try
        {
            using var stream = NpzArchive.Open(path, array);
            var header = NpyHeader.Read(stream, name);
            if (header.ElementType is not (ElementType.Double or ElementType.Float))
            {
                throw FeatureErrors.BadReference(name, $"its numbers are {header.ElementType} instead of float64");
            }

            if (header.ByteSize > Array.MaxLength)
            {
                throw FeatureErrors.BadReference(name, "it is too large for a mean or covariance");
            }

            var bytes = new byte[header.ByteSize];
            stream.ReadExactly(bytes);
            var values = new double[header.Dims.Aggregate(1L, (product, d) => product * d)];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] =
                    header.ElementType == ElementType.Double
                        ? BitConverter.ToDouble(bytes, i * sizeof(double))
                        : BitConverter.ToSingle(bytes, i * sizeof(float));
            }

            return (values, [.. header.Dims]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw FeatureErrors.BadReference(name, e.Message.TrimEnd('.'), e);
        }
    }
}
