using System.Collections.Immutable;

namespace DiffusionQuant.Evaluation.Metrics;

/// <summary>All metrics, in the order in which files and tables show them.</summary>
public static class MetricCatalog
{
    /// <summary>PSNR of the final images.</summary>
    public const string Psnr = "psnr";

    /// <summary>SSIM of the final images.</summary>
    public const string Ssim = "ssim";

    /// <summary>SQNR of the final latents.</summary>
    public const string LatentSqnr = "latentSqnr";

    /// <summary>SQNR of the network's output on the same x_t.</summary>
    public const string NoiseSqnr = "noiseSqnr";

    /// <summary>Mean squared error of the network's output on the same x_t.</summary>
    public const string NoiseError = "noiseError";

    /// <summary>How well images fit their prompts, by a CLIP model.</summary>
    public const string ClipScore = "clipScore";

    /// <summary>Fréchet distance to the reference set.</summary>
    public const string Fid = "fid";

    /// <summary>How much larger the Fréchet distance is than the float model's.</summary>
    public const string FidIncrease = "fidIncrease";

    /// <summary>Fréchet distance of spatial features to the reference set.</summary>
    public const string SpatialFid = "sfid";

    /// <summary>Kernel distance to the reference set.</summary>
    public const string Kid = "kid";

    /// <summary>Inception Score.</summary>
    public const string InceptionScore = "inceptionScore";

    /// <summary>Improved precision.</summary>
    public const string Precision = "precision";

    /// <summary>Improved recall.</summary>
    public const string Recall = "recall";

    /// <summary>Fréchet distance to the float model's images from the same noise.</summary>
    public const string FidToFloat = "fidToFloat";

    /// <summary>Bytes of the quantized model over those of the float model.</summary>
    public const string SizeRatio = "sizeRatio";

    /// <summary>The float model's time for a step over the quantized model's.</summary>
    public const string Speedup = "speedup";

    /// <summary>The metrics.</summary>
    public static ImmutableArray<MetricDefinition> All { get; } =
    [
        new(
            Psnr,
            "PSNR",
            MetricKind.Paired,
            true,
            "dB",
            2,
            2.5,
            false,
            "How close the final images are to the float model's from the same noise."
        ),
        new(
            Ssim,
            "SSIM",
            MetricKind.Paired,
            true,
            "",
            4,
            0.01,
            false,
            "How similar in structure the final images are to the float model's from the same noise; 1 is equal."
        ),
        new(
            LatentSqnr,
            "Latent SQNR",
            MetricKind.Paired,
            true,
            "dB",
            2,
            2.5,
            false,
            "How much stronger the final latents are than their difference to the float model's from the same noise."
        ),
        new(
            NoiseSqnr,
            "Noise-prediction SQNR",
            MetricKind.Paired,
            true,
            "dB",
            2,
            1,
            false,
            "How much stronger the network's output is than its error, on the same x_t, averaged over timesteps."
        ),
        new(
            NoiseError,
            "Noise-prediction error",
            MetricKind.Paired,
            false,
            "",
            6,
            0.35,
            true,
            "Mean squared error of the network's output against the float model's on the same x_t."
        ),
        new(
            ClipScore,
            "CLIP score",
            MetricKind.Prompted,
            true,
            "",
            2,
            0.5,
            false,
            "How well images fit their prompts: 100 times the cosine of a CLIP model's embeddings of both, at least 0."
        ),
        new(
            Fid,
            "FID",
            MetricKind.Distribution,
            false,
            "",
            3,
            0.2,
            true,
            "Fréchet distance of the features of generated images to those of the reference set."
        ),
        new(
            FidIncrease,
            "FID increase",
            MetricKind.Distribution,
            false,
            "",
            3,
            double.PositiveInfinity,
            false,
            "The distance to the reference set, less the float model's own from the same noise."
        ),
        new(
            SpatialFid,
            "sFID",
            MetricKind.Distribution,
            false,
            "",
            3,
            0.2,
            true,
            "FID on features that keep their place in the image."
        ),
        new(
            Kid,
            "KID",
            MetricKind.Distribution,
            false,
            "",
            5,
            0.3,
            true,
            "Squared maximum mean discrepancy of the features with a polynomial kernel; unbiased in the number of images."
        ),
        new(
            InceptionScore,
            "Inception Score",
            MetricKind.Distribution,
            true,
            "",
            3,
            0.2,
            true,
            "How certain and how varied the extractor's classes are."
        ),
        new(
            Precision,
            "Precision",
            MetricKind.Distribution,
            true,
            "",
            4,
            0.12,
            false,
            "The share of generated images that lie within the manifold of the reference set."
        ),
        new(
            Recall,
            "Recall",
            MetricKind.Distribution,
            true,
            "",
            4,
            0.06,
            false,
            "The share of reference images that lie within the manifold of the generated ones."
        ),
        new(
            FidToFloat,
            "FID to float",
            MetricKind.DistributionToFloat,
            false,
            "",
            3,
            2,
            true,
            "Fréchet distance to the features of the float model's images from the same noise."
        ),
        new(
            SizeRatio,
            "Size",
            MetricKind.Size,
            false,
            "of float",
            4,
            0.01,
            true,
            "Bytes of the quantized model over those of the float model."
        ),
        new(
            Speedup,
            "Speed-up",
            MetricKind.Speed,
            true,
            "times",
            2,
            0.2,
            true,
            "The float model's time for a denoising step over the quantized model's, measured in turns in one run."
        ),
    ];

    /// <summary>Finds a metric by its name.</summary>
    /// <exception cref="KeyNotFoundException">There is no such metric.</exception>
    public static MetricDefinition Find(string name) => Known.Find(name) ?? throw new KeyNotFoundException(name);

    /// <summary>Whether there is a metric of a name.</summary>
    public static bool Contains(string name) => Known.Find(name) is not null;

    private static class Known
    {
        private static readonly Dictionary<string, MetricDefinition> ByName = All.ToDictionary(m => m.Name);

        public static MetricDefinition? Find(string name) => ByName.GetValueOrDefault(name);
    }
}
