using DiffusionQuant.Diffusion;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Runs;

namespace DiffusionQuant.Evaluation.Tests.Runs;

public sealed class ShardAgreementTests(TinyRun tiny) : IClassFixture<TinyRun>
{
    private const double Tolerance = 1e-9;

    [Theory]
    // 16 parts of 11 batches: some parts have no images.
    [InlineData("ddpm", 0, new[] { 3, 16 })]
    [InlineData("ddim", 0.5, new[] { 4 })]
    public void Every_division_gives_the_same_statistics_and_metrics(string sampler, double eta, int[] counts)
    {
        var request = tiny.Request with { Sampler = SolverKind.Find(sampler), Eta = eta };
        var whole = tiny.Make(request);
        var report = tiny.Assemble([("whole", whole)]);
        Assert.Equal(
            [
                MetricCatalog.Fid,
                MetricCatalog.FidIncrease,
                MetricCatalog.FidToFloat,
                MetricCatalog.InceptionScore,
                MetricCatalog.Kid,
                MetricCatalog.NoiseError,
                MetricCatalog.NoiseSqnr,
                MetricCatalog.Precision,
                MetricCatalog.Psnr,
                MetricCatalog.Recall,
                MetricCatalog.SpatialFid,
                MetricCatalog.SizeRatio,
                MetricCatalog.Ssim,
            ],
            report.Metrics.Select(m => m.Name).Order(StringComparer.Ordinal)
        );
        foreach (var count in counts)
        {
            var parts = tiny.MakeParts(request, count);
            var merged = PartMerger.Merge(parts);
            Agreement.AssertSame(whole, merged, Tolerance);
            Agreement.AssertSame(report, tiny.Assemble(parts), Tolerance);
        }
    }

    [Fact]
    public void Parts_of_two_divisions_add_up_where_their_bounds_meet()
    {
        // Of 11 batches the first half and the first two quarters are both 5.
        var whole = tiny.Whole;
        var parts = new[] { new Shard(1, 2), new Shard(3, 4), new Shard(4, 4) }
            .Select(s => ($"{s}", tiny.Make(tiny.Request with { Shard = s })))
            .ToArray();
        Agreement.AssertSame(whole, PartMerger.Merge(parts), Tolerance);
    }

    [Fact]
    public void A_model_without_a_float_model_is_measured_in_parts_too()
    {
        var request = tiny.Request with { FloatPath = null, ModelPath = tiny.Request.FloatPath! };
        using var setup = EvaluationSetup.Of(request);
        var whole = Evaluator.Measure(setup, null, tiny.NewFolder());
        var parts = Enumerable
            .Range(1, 3)
            .Select(i =>
            {
                using var part = EvaluationSetup.Of(request with { Shard = new(i, 3) });
                return ($"{i}", Evaluator.Measure(part, null, tiny.NewFolder()));
            })
            .ToArray();
        Agreement.AssertSame(whole, PartMerger.Merge(parts), Tolerance);
        Agreement.AssertSame(tiny.Assemble([("whole", whole)]), tiny.Assemble(parts), Tolerance);
    }
}
