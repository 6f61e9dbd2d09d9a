using System.Text.RegularExpressions;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Snapshots;

namespace DiffusionQuant.Evaluation.Tests.Snapshots;

public sealed partial class QualityGateTests
{
    private static readonly GateContext Context = new(
        "Models/ddpm-fashion.metrics.verified.json",
        ReportPath: "obj/report.html"
    );

    private static readonly MetricsSnapshot Verified = MetricsSnapshot.Of(Reports.Usual);

    [Fact]
    public void The_same_values_pass_without_a_word()
    {
        var verdict = Check(Reports.Usual);
        Assert.True(verdict.Passes);
        Assert.Empty(verdict.Findings);
        Assert.False(verdict.HasChangeToAccept);
    }

    [Fact]
    public void A_drift_is_one_line_with_values_layers_reason_and_command()
    {
        var worse = Reports.Usual.With(MetricCatalog.Psnr, 27.4).With(MetricCatalog.Fid, 12);
        worse = worse.WithLayer("/down/0/conv1", 12.0).WithLayer("/mid/attention", 20) with
        {
            Model = worse.Model with { Bits = "W3A4", Method = "minmax" },
        };
        var finding = Assert.Single(Check(worse).Findings);
        Assert.Equal("DQ2001", finding.Code);
        Assert.Equal(QualitySeverity.Error, finding.Severity);
        Assert.Equal(
            "ddpm-fashion is worse than its snapshot: FID[fashion-resnet20] rose from 7.100 to 12.000 (tolerance 20%, and 0.246 by chance), "
                + "PSNR fell from 32.21 to 27.40 dB (tolerance 2.5, and 0.62 by chance). SQNR fell most in /down/0/conv1 24.1 -> 12 dB, "
                + "/mid/attention 27.5 -> 20 dB. Changed since the snapshot: quantization W4A8 mse -> W3A4 minmax. "
                + "See obj/report.html. If this is meant: dotnet diffquant accept Models/ddpm-fashion.metrics.verified.json",
            finding.Message
        );
    }

    [Theory]
    [InlineData(MetricCatalog.Psnr, 29.09, true)]
    [InlineData(MetricCatalog.Psnr, 29.08, false)]
    [InlineData(MetricCatalog.Psnr, double.NaN, false)]
    [InlineData(MetricCatalog.Psnr, double.NegativeInfinity, false)]
    [InlineData(MetricCatalog.Fid, 8.765, true)]
    [InlineData(MetricCatalog.Fid, 8.77, false)]
    [InlineData(MetricCatalog.SizeRatio, 0.17, false)]
    [InlineData(MetricCatalog.Speedup, 0.1, true)]
    public void The_tolerance_is_the_border(string metric, double value, bool passes) =>
        Assert.Equal(passes, Check(Reports.Usual.With(metric, value)).Passes);

    [Fact]
    public void A_change_that_blocks_of_images_do_not_share_may_be_chance()
    {
        const double Fall = 4;
        double[] blocks = [.. Enumerable.Range(0, 10).Select(i => 32 + (0.1 * i))];
        var verified = Reports.Usual.WithBlocks(MetricCatalog.Psnr, blocks);
        // The mean falls as much in both: in each image, or in those of one block alone.
        var everywhere = Reports.Usual.With(MetricCatalog.Psnr, 32.2149 - Fall);
        var inOneBlock = everywhere.WithBlocks(
            MetricCatalog.Psnr,
            [.. blocks.Select((b, i) => i == 0 ? b : b - (Fall * 10 / 9))]
        );
        everywhere = everywhere.WithBlocks(MetricCatalog.Psnr, [.. blocks.Select(b => b - Fall)]);

        Assert.True(QualityGate.Check(inOneBlock, MetricsSnapshot.Of(verified), new(), Context).Passes);
        var finding = Assert.Single(
            QualityGate.Check(everywhere, MetricsSnapshot.Of(verified), new(), Context).Findings
        );
        Assert.Equal("DQ2001", finding.Code);
        Assert.Contains("PSNR fell from 32.21 to 28.21 dB (tolerance", finding.Message);
        Assert.DoesNotContain("by chance", finding.Message);
    }

    [Fact]
    public void A_layer_that_fell_far_fails_though_every_metric_is_the_same()
    {
        Assert.True(Check(Reports.Usual.WithLayer("/down/0/conv1", 20.2)).Passes);
        var finding = Assert.Single(Check(Reports.Usual.WithLayer("/down/0/conv1", 19.8)).Findings);
        Assert.Equal("DQ2001", finding.Code);
        Assert.StartsWith(
            "ddpm-fashion is worse than its snapshot in single layers: SQNR fell in /down/0/conv1 24.1 -> 19.8 dB (tolerance 4)",
            finding.Message
        );
        var lenient = Verified.ToJson().Replace("\"layerTolerance\": 4", "\"layerTolerance\": 6");
        Assert.True(
            QualityGate
                .Check(Reports.Usual.WithLayer("/down/0/conv1", 19.8), MetricsSnapshot.Parse(lenient), new(), Context)
                .Passes
        );
    }

    [Fact]
    public void The_last_layer_is_judged_by_the_network_s_metrics()
    {
        var last = Reports.Usual with
        {
            Layers = [.. Reports.Usual.Layers.Select(l => l.Name == "/mid/attention" ? l with { IsLast = true } : l)],
        };
        Assert.True(Check(last.WithLayer("/mid/attention", 5)).Passes);
        Assert.False(Check(Reports.Usual.WithLayer("/mid/attention", 5)).Passes);
    }

    [Fact]
    public void What_a_layer_has_beyond_40_dB_does_not_count()
    {
        var verified = MetricsSnapshot.Of(Reports.Usual.WithLayer("/conv_in/Conv", 60));
        bool Passes(double sqnr) =>
            QualityGate.Check(Reports.Usual.WithLayer("/conv_in/Conv", sqnr), verified, new(), Context).Passes;
        Assert.True(Passes(36.1));
        Assert.False(Passes(35.7));
    }

    [Fact]
    public void Stored_weights_that_are_worse_fail_though_no_output_shows_it()
    {
        Assert.True(Check(Reports.Usual.WithWeights("/down/0/conv1", 18.3)).Passes);
        var finding = Assert.Single(Check(Reports.Usual.WithWeights("/down/0/conv1", 18.2)).Findings);
        Assert.StartsWith(
            "ddpm-fashion is worse than its snapshot in single layers: SQNR of stored weights fell in /down/0/conv1 21.4 -> 18.2 dB (tolerance 3)",
            finding.Message
        );
        var lenient = Verified.ToJson().Replace("\"weightTolerance\": 3", "\"weightTolerance\": 6");
        Assert.True(
            QualityGate
                .Check(Reports.Usual.WithWeights("/down/0/conv1", 18.2), MetricsSnapshot.Parse(lenient), new(), Context)
                .Passes
        );
        var accepted = MetricsSnapshot.Parse(lenient).With(Reports.Usual);
        Assert.Equal(6, accepted.Measurements[0].WeightTolerance);
    }

    [Fact]
    public void A_snapshot_of_a_version_that_knew_no_weights_is_compared_in_what_it_tells()
    {
        var measured = Verified.Measurements[0] with { Weights = [] };
        var verified = MetricsSnapshot.Parse((Verified with { Measurements = [measured] }).ToJson());
        Assert.True(QualityGate.Check(Reports.Usual.WithWeights("/down/0/conv1", 1), verified, new(), Context).Passes);
    }

    [Fact]
    public void A_snapshot_keeps_the_blocks()
    {
        var report = Reports.Usual.WithBlocks(MetricCatalog.Psnr, [31.123456, 33]);
        var snapshot = MetricsSnapshot.Parse(MetricsSnapshot.Of(report).ToJson());
        Assert.Equal([31.1235, 33], snapshot.Measurements[0].Find(MetricCatalog.Psnr)!.WithoutBlock!);
        Assert.Null(snapshot.Measurements[0].Find(MetricCatalog.Fid)!.WithoutBlock);
    }

    [Fact]
    public void A_model_that_ships_with_another_schedule_fails()
    {
        var finding = Assert.Single(
            Check(Reports.Usual with { OtherSchedule = "prediction: epsilon, v_prediction" }).Findings
        );
        Assert.Equal("DQ2009", finding.Code);
        Assert.Contains("(prediction: epsilon, v_prediction)", finding.Message);
    }

    [Theory]
    [InlineData(MetricCatalog.Psnr, 35, false)]
    [InlineData(MetricCatalog.Psnr, 36, true)]
    [InlineData(MetricCatalog.Psnr, double.PositiveInfinity, true)]
    [InlineData(MetricCatalog.Fid, 5, true)]
    [InlineData(MetricCatalog.SizeRatio, 0.1, true)]
    public void Better_passes_and_is_said_once_it_is_significant(string metric, double value, bool isSaid)
    {
        var verdict = Check(Reports.Usual.With(metric, value));
        Assert.True(verdict.Passes);
        Assert.Equal(isSaid, verdict.HasChangeToAccept);
        Assert.Equal(isSaid ? ["DQ2005"] : [], verdict.Findings.Select(f => f.Code));
        Assert.All(verdict.Findings, f => Assert.Equal(QualitySeverity.Note, f.Severity));
    }

    [Fact]
    public void Values_equal_to_infinite_or_undefined_ones_pass()
    {
        foreach (var value in new[] { double.PositiveInfinity, double.NaN })
        {
            var report = Reports.Usual.With(MetricCatalog.Psnr, value);
            Assert.Empty(QualityGate.Check(report, MetricsSnapshot.Of(report), new(), Context).Findings);
        }

        var perfect = MetricsSnapshot.Of(Reports.Usual.With(MetricCatalog.Psnr, double.PositiveInfinity));
        Assert.False(QualityGate.Check(Reports.Usual, perfect, new(), Context).Passes);
    }

    [Fact]
    public void A_drift_beside_an_improvement_suggests_accepting_once()
    {
        var mixed = Reports.Usual.With(MetricCatalog.Psnr, 20).With(MetricCatalog.Fid, 3);
        var findings = Check(mixed).Findings;
        Assert.Equal(["DQ2001", "DQ2005"], findings.Select(f => f.Code));
        Assert.DoesNotContain("accept", findings[1].Message);
    }

    [Fact]
    public void Without_a_snapshot_the_first_one_is_to_be_accepted()
    {
        var verdict = QualityGate.Check(Reports.Usual, null, new(), Context);
        Assert.Equal("DQ2006", Assert.Single(verdict.Findings).Code);
        Assert.True(verdict is { Passes: false, HasChangeToAccept: true });
        Assert.Contains("Models/ddpm-fashion.metrics.received.json", verdict.Findings[0].Message);
    }

    [Fact]
    public void Without_verification_only_limits_hold()
    {
        var verdict = QualityGate.Check(Reports.Usual, null, new(MinPsnr: 20), new(null));
        Assert.Empty(verdict.Findings);
    }

    [Fact]
    public void Another_setting_or_number_of_images_is_not_compared_but_can_be_accepted()
    {
        var seed = Reports.Usual with { Sampling = Reports.Usual.Sampling with { Seed = 1 } };
        foreach (var (report, code) in new[] { (seed, "DQ3001"), (Reports.Usual.OnImages(256), "DQ2007") })
        {
            var verdict = Check(report.With(MetricCatalog.Psnr, 1));
            Assert.Equal(code, Assert.Single(verdict.Findings).Code);
            Assert.Null(verdict.Comparison);
            Assert.True(verdict is { Passes: false, HasChangeToAccept: true });
            Assert.Empty(QualityGate.Check(report, Verified.With(report), new(), Context).Findings);
        }
    }

    [Fact]
    public void A_metric_that_is_measured_no_longer_fails_and_a_new_one_does_not()
    {
        var without = Reports.Usual.Without(MetricCatalog.Kid) with { Notes = ["KID needs 1000 images."] };
        var finding = Assert.Single(Check(without).Findings);
        Assert.Equal("DQ2008", finding.Code);
        Assert.Contains("KID[fashion-resnet20], not measured now (KID needs 1000 images)", finding.Message);
        Assert.Empty(QualityGate.Check(Reports.Usual, MetricsSnapshot.Of(without), new(), Context).Findings);
    }

    [Theory]
    [InlineData(null, 33.0, null, null, "DQ2002", "PSNR is 32.21 ± 0.31 dB and MinPsnr is 33")]
    [InlineData(null, null, 0.16, null, "DQ2002", "Size is 0.1636 of float and MaxSizeRatio is 0.16")]
    [InlineData(null, null, null, 2.0, "DQ2002", "Speed-up is 1.70 times and MinSpeedup is 2")]
    [InlineData(
        0.01,
        null,
        null,
        null,
        "DQ2002",
        "FID increase[fashion-resnet20] is 0.210 ± 0.08 and MaxFidIncrease is 0.01"
    )]
    [InlineData(0.2, null, null, null, "DQ2003", "it is broken, but that may be chance")]
    public void A_broken_limit_fails(
        double? fid,
        double? psnr,
        double? size,
        double? speedup,
        string code,
        string message
    )
    {
        var verdict = Check(Reports.Usual, new(fid, psnr, size, speedup));
        var finding = Assert.Single(verdict.Findings);
        Assert.Equal(code, finding.Code);
        Assert.Contains(message, finding.Message);
        Assert.False(verdict.Passes);
        Assert.False(verdict.HasChangeToAccept);
    }

    [Fact]
    public void The_noise_predictions_SQNR_can_be_a_limit()
    {
        var measured = Reports.Usual with
        {
            Metrics = [.. Reports.Usual.Metrics, new(MetricCatalog.NoiseSqnr, 20, 32, 0.2)],
        };
        Assert.DoesNotContain(Check(measured, new(MinSqnrDb: 18)).Findings, f => f.Severity == QualitySeverity.Error);
        var finding = Assert.Single(
            Check(measured, new(MinSqnrDb: 22)).Findings,
            f => f.Severity == QualitySeverity.Error
        );
        Assert.Equal("DQ2002", finding.Code);
        Assert.Contains("MinSqnrDb", finding.Message);
        var without = Check(Reports.Usual, new(MinSqnrDb: 1));
        Assert.Contains("PairedImages", Assert.Single(without.Findings, f => f.Code == "DQ2004").Message);
    }

    [Fact]
    public void Limits_that_hold_pass()
    {
        var verdict = Check(Reports.Usual, new(0.5, 30, 0.2, 1.5));
        Assert.Empty(verdict.Findings);
    }

    [Fact]
    public void A_limit_that_holds_by_less_than_two_standard_errors_warns_and_says_how_many_images_would_tell()
    {
        var verdict = Check(Reports.Usual, new(MaxFidIncrease: 0.25));
        var finding = Assert.Single(verdict.Findings);
        Assert.True(verdict.Passes);
        Assert.Equal(("DQ2003", QualitySeverity.Warning), (finding.Code, finding.Severity));
        // 512·(2·0.08/0.04)² = 8192, in two digits.
        Assert.Contains("About 8200 images would tell; set EvaluationImages", finding.Message);
        var near = Assert.Single(Check(Reports.Usual, new(MaxFidIncrease: 0.211)).Findings);
        Assert.Contains("More than 50000 images", near.Message);
    }

    [Fact]
    public void Sizes_have_no_chance_about_them()
    {
        var report = Reports.Usual.With(MetricCatalog.SizeRatio, 0.2, 0.1);
        Assert.Empty(Check(report, new(MaxSizeRatio: 0.2), MetricsSnapshot.Of(report)).Findings);
    }

    [Fact]
    public void A_value_is_shown_on_its_side_of_the_limit()
    {
        var report = Reports.Usual.With(MetricCatalog.SizeRatio, 0.200001);
        var finding = Assert.Single(Check(report, new(MaxSizeRatio: 0.2), MetricsSnapshot.Of(report)).Findings);
        Assert.Contains("Size is 0.200001 of float and MaxSizeRatio is 0.2", finding.Message);
    }

    [Fact]
    public void A_limit_on_what_was_not_measured_says_why_and_what_to_give()
    {
        var report = Reports.Usual.Without(MetricCatalog.FidIncrease) with
        {
            Notes =
            [
                "Speed was not asked for.",
                "FID was not measured: there is no reference.",
                "FID increase: no reference.",
            ],
        };
        var finding = Assert.Single(Check(report, new(MaxFidIncrease: 1), MetricsSnapshot.Of(report)).Findings);
        Assert.Equal("DQ2004", finding.Code);
        Assert.Contains("was not measured (FID increase: no reference). Name a Reference", finding.Message);
    }

    [Fact]
    public void All_messages_are_one_line_that_MSBuild_does_not_take_for_another()
    {
        var torn = Reports.Usual with { Model = Reports.Usual.Model with { Name = "two\nlines" }, Notes = ["a\nnote"] };
        var seed = torn with { Sampling = torn.Sampling with { Seed = 1 } };
        var all = new[]
        {
            Check(torn.With(MetricCatalog.NoiseError, 1).With(MetricCatalog.Psnr, 90), new(0.2, 33, 0.1, 9)),
            Check(torn.Without(MetricCatalog.Psnr), new(MinPsnr: 1)),
            Check(seed),
            Check(torn.OnImages(1)),
            QualityGate.Check(torn, null, new(), Context),
        }
            .SelectMany(v => v.Findings)
            .ToArray();
        Assert.Equal(
            ["DQ2001", "DQ2002", "DQ2003", "DQ2004", "DQ2005", "DQ2006", "DQ2007", "DQ2008", "DQ3001"],
            all.Select(f => f.Code).Distinct().Order()
        );
        Assert.All(
            all,
            f =>
            {
                Assert.DoesNotContain('\n', f.Message);
                Assert.DoesNotMatch(CanonicalError(), f.Message);
            }
        );
    }

    [Theory]
    [InlineData(32, 1.0, 2.0, 33)]
    [InlineData(32, 1.0, 1.0, 130)]
    [InlineData(512, 0.1, 0.01, null)]
    [InlineData(512, 0.1, 0.0, null)]
    [InlineData(512, double.NaN, 1.0, null)]
    public void Images_grow_with_the_square_of_the_precision(int images, double error, double margin, int? expected) =>
        Assert.Equal(expected, LimitCheck.ImagesToTell(images, error, margin));

    private static QualityVerdict Check(
        EvaluationReport report,
        QualityLimits? limits = null,
        MetricsSnapshot? snapshot = null
    ) => QualityGate.Check(report, snapshot ?? Verified, limits ?? new(), Context);

    /// <summary>What MSBuild takes for a message of a tool, after CanonicalError.cs of its sources.</summary>
    [GeneratedRegex(
        @"^\s*(((?<ORIGIN>(((\d+>)?[a-zA-Z]?:[^:]*)|([^:]*))):)|())(?<SUBCATEGORY>(()|([^:]*? )))(?<CATEGORY>(error|warning))( \s*(?<CODE>[^: ]*))?\s*:(?<TEXT>.*)$",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex CanonicalError();
}
