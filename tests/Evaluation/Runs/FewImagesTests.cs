using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Evaluation.Tests.Runs;

/// <summary>On few images those metrics are measured that exist there; the others are named.</summary>
public sealed class FewImagesTests(TinyRun run) : IClassFixture<TinyRun>
{
    private const int AllOfReference = 60;
    private static readonly string[] OfTwo =
    [
        MetricCatalog.Fid,
        MetricCatalog.FidIncrease,
        MetricCatalog.SpatialFid,
        MetricCatalog.Kid,
        MetricCatalog.InceptionScore,
        MetricCatalog.FidToFloat,
    ];
    private static readonly string[] OfFour = [MetricCatalog.Precision, MetricCatalog.Recall];

    [Theory]
    [InlineData(1, AllOfReference)]
    [InlineData(2, AllOfReference)]
    [InlineData(3, AllOfReference)]
    [InlineData(4, AllOfReference)]
    [InlineData(1, 2)]
    [InlineData(8, 2)]
    [InlineData(8, 3)]
    [InlineData(8, 4)]
    public void What_exists_is_measured_and_what_does_not_is_named(int images, int referenceImages)
    {
        var report = Evaluate(images, referenceImages);
        Assert.Equal(Math.Min(images, 3), report.Find(MetricCatalog.Psnr)!.Images);
        Assert.All(report.Metrics, m => Assert.True(double.IsFinite(m.Value), m.Name));
        Assert.Equal(images >= 2, OfTwo.All(m => report.Find(m) is not null));
        Assert.Equal(images < 2, OfTwo.All(m => report.Find(m) is null));
        var hasNeighbours = Math.Min(images, referenceImages) >= 4;
        Assert.Equal(hasNeighbours, OfFour.All(m => report.Find(m) is not null));
        Assert.Equal(!hasNeighbours, OfFour.All(m => report.Find(m) is null));
        Assert.Equal(
            hasNeighbours ? 0 : 1,
            report.Notes.Count(n => n.Contains("recall", StringComparison.Ordinal) && n.Contains("cannot be measured"))
        );
        Assert.Equal(images < 2, report.Notes.Any(n => n.Contains("FID", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_reference_of_one_image_is_refused()
    {
        var error = Assert.Throws<DiffusionQuantException>(() => Evaluate(8, 1));
        Assert.Equal("DQ3029", error.Code);
    }

    private EvaluationReport Evaluate(int images, int referenceImages)
    {
        var request = run.Request with
        {
            DistributionImages = images,
            PairedImages = Math.Min(images, 3),
            Reference = Reference(referenceImages),
        };
        using var setup = EvaluationSetup.Of(request);
        return Evaluator.Assemble([("whole", run.Make(request))], setup.Reference, run.NewFolder());
    }

    /// <summary>The first images of the reference.</summary>
    private string Reference(int images)
    {
        if (images == AllOfReference)
        {
            return run.Request.Reference!;
        }

        const int HeaderLength = 128;
        const int ImageLength = 64;
        var bytes = File.ReadAllBytes(run.Request.Reference!)[..(HeaderLength + (images * ImageLength))];
        var text = System.Text.Encoding.Latin1.GetString(bytes).Replace("(60, 8, 8)", $"({images}, 8, 8) ");
        var path = Path.Combine(run.NewFolder(), "few.npy");
        File.WriteAllBytes(path, System.Text.Encoding.Latin1.GetBytes(text));
        return path;
    }
}
