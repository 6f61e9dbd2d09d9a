using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Snapshots;

/// <summary>The number of images that a metric has where its line in a snapshot does not say another.</summary>
internal static class UsualImages
{
    public static int Of(string metric, SnapshotMeasurement measurement) =>
        Of(metric, measurement.PairedImages, measurement.DistributionImages);

    public static int Of(string metric, int paired, int distribution) =>
        MetricCatalog.Find(metric).Kind switch
        {
            MetricKind.Paired or MetricKind.Prompted => paired,
            MetricKind.Distribution or MetricKind.DistributionToFloat => distribution,
            _ => 0,
        };
}
