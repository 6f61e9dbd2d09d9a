using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Tests.Snapshots;

/// <summary>Evaluations to verify.</summary>
internal static class Reports
{
    private static readonly string Hash = string.Concat(Enumerable.Repeat("0123456789abcdef", 4));

    public static EvaluationReport Usual { get; } =
        new()
        {
            ToolVersion = "0.1.0",
            RuntimeVersion = "1.29.0",
            Device = "cpu",
            Model = new("ddpm-fashion", "aa", 1_800_000, "W4A8", "mse", "bb"),
            Float = new("ddpm-fashion", Hash, 11_000_000),
            Sampling = new("ddim", 50, Hash, 0, null, 0),
            Extractor = new("fashion-resnet20", Hash),
            Reference = new("fashion-mnist", Hash, 70_000),
            Metrics =
            [
                new(MetricCatalog.Psnr, 32.2149, 32, 0.3141),
                new(MetricCatalog.Ssim, 0.95001, 32, 0.004),
                new(MetricCatalog.NoiseError, 0.00123456, 32, 0.0000201),
                new(MetricCatalog.Fid, 7.10049, 512, 0.1234),
                new(MetricCatalog.FidIncrease, 0.21, 512, 0.08),
                new(MetricCatalog.Kid, -0.00004, 512, 0.0003),
                new(MetricCatalog.FidToFloat, 0.4321, 512, 0.02),
                new(MetricCatalog.SizeRatio, 0.163636, 0),
                new(MetricCatalog.Speedup, 1.7, 0),
            ],
            Layers =
            [
                new("/conv_in/Conv", "Conv", 8, 8, 38.26, 640),
                new("/down/0/conv1", "Conv", 4, 8, 24.14, 36_928, WeightSqnr: 21.37),
                new("/down/1/conv1", "Conv", 4, 8, 22.96, 36_928),
                new("/mid/attention", "MatMul", 4, 8, 27.5, 16_384),
                new("/time/act", "Sigmoid", null, null, null, 0),
            ],
        };

    /// <summary>The report with another value of a metric.</summary>
    public static EvaluationReport With(
        this EvaluationReport report,
        string metric,
        double value,
        double? standardError = null
    ) =>
        report with
        {
            Metrics =
            [
                .. report.Metrics.Select(m =>
                    m.Name == metric ? m with { Value = value, StandardError = standardError ?? m.StandardError } : m
                ),
            ],
        };

    /// <summary>The report with the values of a metric without each block of images.</summary>
    public static EvaluationReport WithBlocks(this EvaluationReport report, string metric, double[] blocks) =>
        report with
        {
            Metrics = [.. report.Metrics.Select(m => m.Name == metric ? m with { WithoutBlock = blocks } : m)],
        };

    /// <summary>The report without a metric.</summary>
    public static EvaluationReport Without(this EvaluationReport report, params string[] metrics) =>
        report with
        {
            Metrics = [.. report.Metrics.Where(m => !metrics.Contains(m.Name))],
        };

    /// <summary>The report with another number of images for distribution metrics.</summary>
    public static EvaluationReport OnImages(this EvaluationReport report, int distribution) =>
        report with
        {
            Metrics = [.. report.Metrics.Select(m => m.Images == 512 ? m with { Images = distribution } : m)],
        };

    /// <summary>The report with other decibels of a layer.</summary>
    public static EvaluationReport WithLayer(this EvaluationReport report, string layer, double sqnr) =>
        report with
        {
            Layers = [.. report.Layers.Select(l => l.Name == layer ? l with { Sqnr = sqnr } : l)],
        };

    /// <summary>The report with other decibels of a layer's stored weights.</summary>
    public static EvaluationReport WithWeights(this EvaluationReport report, string layer, double sqnr) =>
        report with
        {
            Layers = [.. report.Layers.Select(l => l.Name == layer ? l with { WeightSqnr = sqnr } : l)],
        };
}
