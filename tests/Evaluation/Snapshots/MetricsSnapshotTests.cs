using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Snapshots;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Tests.Shared;
using FsCheck;
using FsCheck.Fluent;

namespace DiffusionQuant.Evaluation.Tests.Snapshots;

public sealed class MetricsSnapshotTests
{
    [Fact]
    public void A_snapshot_is_written_for_people()
    {
        var snapshot = MetricsSnapshot.Of(Reports.Usual).With(Reports.Usual.OnImages(10_000));
        Snapshot.Verify(snapshot.ToJson());
    }

    [Fact]
    public void What_is_written_is_read_back()
    {
        var odd = Reports.Usual with
        {
            Float = null,
            Extractor = new("a \"quoted\" name\\ μ", "ee", IsStandardInception: true),
            Reference = null,
            Sampling = new("ddpm", 20, "dd", 0.5, true, ulong.MaxValue, 7.5, "cc"),
            Model = new("other", "aa", 1),
            Metrics =
            [
                new(MetricCatalog.Psnr, double.PositiveInfinity, 32),
                new(MetricCatalog.Ssim, double.NaN, 16),
                new(MetricCatalog.Kid, -0.0000012345, 512, 2e-9),
            ],
            Layers = [new("/a", "Conv", 4, 8, double.PositiveInfinity, 1)],
        };
        foreach (var report in new[] { Reports.Usual, odd })
        {
            var text = MetricsSnapshot.Of(report).ToJson();
            var copy = MetricsSnapshot.Parse(text);
            Assert.Equal(text, copy.ToJson());
            Assert.Equal(MetricsSnapshot.Of(report).Measurements[0].Metrics, copy.Measurements[0].Metrics);
            Assert.NotNull(copy.FindMeasurement(report));
        }
    }

    [Fact]
    public void Any_values_survive_their_file() =>
        Check.QuickThrowOnFailure(
            Prop.ForAll(
                ArbMap.Default.ArbFor<(double Psnr, double Error, NormalFloat Size)>(),
                values =>
                {
                    var report = Reports
                        .Usual.With(MetricCatalog.Psnr, values.Psnr, Math.Abs(values.Error))
                        .With(MetricCatalog.SizeRatio, values.Size.Get);
                    var snapshot = MetricsSnapshot.Of(report);
                    var copy = MetricsSnapshot.Parse(snapshot.ToJson());
                    var verdict = QualityGate.Check(report, copy, new(), new("x.metrics.verified.json"));
                    return copy.ToJson() == snapshot.ToJson() && verdict is { Passes: true, Findings: [] };
                }
            )
        );

    [Fact]
    public void Speed_is_no_part_of_a_snapshot() =>
        Assert.DoesNotContain(MetricCatalog.Speedup, MetricsSnapshot.Of(Reports.Usual).ToJson());

    [Fact]
    public void A_change_of_one_value_is_a_change_of_one_line()
    {
        var before = MetricsSnapshot.Of(Reports.Usual).ToJson().Split('\n');
        var changed = Reports.Usual.With(MetricCatalog.Psnr, 30).WithLayer("/down/0/conv1", 12.04);
        var after = MetricsSnapshot.Of(changed).ToJson().Split('\n');
        Assert.Equal(before.Length, after.Length);
        Assert.Equal(
            [
                "        \"psnr\": { \"value\": 30, \"tolerance\": 2.5, \"standardError\": 0.31 },",
                "        \"/down/0/conv1\": 12,",
            ],
            after.Except(before)
        );
    }

    [Fact]
    public void Acceptance_replaces_the_measurement_of_as_many_images_and_keeps_the_others()
    {
        var many = Reports.Usual.OnImages(10_000);
        var snapshot = MetricsSnapshot.Of(Reports.Usual).With(many).With(Reports.Usual.With(MetricCatalog.Psnr, 20));
        Assert.Equal(2, snapshot.Measurements.Count);
        Assert.Equal((32, 512), snapshot.ImageCounts);
        Assert.Equal(20, snapshot.FindMeasurement(Reports.Usual)!.Find(MetricCatalog.Psnr)!.Value);
        Assert.Equal(32.21, snapshot.FindMeasurement(many)!.Find(MetricCatalog.Psnr)!.Value);
    }

    [Fact]
    public void Tolerances_that_somebody_chose_stay_and_others_are_the_metrics_own()
    {
        var text = MetricsSnapshot.Of(Reports.Usual).ToJson();
        var edited = text.Replace("\"tolerance\": \"20%\"", "\"tolerance\": \"8%\"");
        Assert.NotEqual(text, edited);

        var accepted = MetricsSnapshot.Parse(edited).With(Reports.Usual.With(MetricCatalog.Psnr, 31, 3)).Measurements[
            0
        ];
        Assert.Equal(new(0.08, true), accepted.Find(MetricCatalog.Fid)!.Tolerance);
        Assert.Equal(
            Tolerance.Default(MetricCatalog.Find(MetricCatalog.Psnr)),
            accepted.Find(MetricCatalog.Psnr)!.Tolerance
        );
    }

    [Fact]
    public void A_measurement_of_another_setting_is_never_compared()
    {
        var snapshot = MetricsSnapshot.Of(Reports.Usual);
        var seed = Reports.Usual with { Sampling = Reports.Usual.Sampling with { Seed = 1 } };
        Assert.Contains("seed: 0, 1.", Mismatch(seed));
        var model = Reports.Usual with { Float = Reports.Usual.Float! with { Sha256 = "cc" } };
        Assert.Contains("float model: 0123456789ab..., cc.", Mismatch(model));
        // The increase of FID depends on the float model, though FID itself does not.
        var distribution = new[] { MetricCatalog.Psnr, MetricCatalog.Ssim, MetricCatalog.NoiseError };
        snapshot = MetricsSnapshot.Of(
            Reports.Usual.Without([.. distribution, MetricCatalog.FidToFloat, MetricCatalog.SizeRatio])
        );
        Assert.Contains(
            "float model",
            Mismatch(model.Without([.. distribution, MetricCatalog.FidToFloat, MetricCatalog.SizeRatio]))
        );

        string Mismatch(EvaluationReport report)
        {
            var error = Assert.Throws<DiffusionQuantException>(() => snapshot.FindMeasurement(report));
            Assert.Equal("DQ3001", error.Code);
            return error.Message;
        }
    }

    [Fact]
    public void A_measurement_of_other_image_counts_is_not_found() =>
        Assert.Null(MetricsSnapshot.Of(Reports.Usual).FindMeasurement(Reports.Usual.OnImages(256)));
}
