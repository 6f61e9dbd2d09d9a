using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Tests;

public sealed class MetricIdentityTests
{
    private static readonly EvaluationReport Report = new()
    {
        ToolVersion = "0.1.0",
        RuntimeVersion = "1.29.0",
        Device = "cpu",
        Model = new("model", "aa", 100, "W4A8", "mse", "bb"),
        Float = new("model", "cc", 800),
        Sampling = new("ddim", 50, "dd", 0, null, 0),
        Extractor = new("fashion-resnet20", "ee"),
        Reference = new("fashion-mnist", "ff", 70000),
        Metrics =
        [
            new(MetricCatalog.Psnr, 30, 32),
            new(MetricCatalog.Fid, 7, 512, 0.1),
            new(MetricCatalog.FidToFloat, 1, 512),
            new(MetricCatalog.SizeRatio, 0.16, 0),
        ],
    };

    [Fact]
    public void A_report_survives_its_file()
    {
        var copy = EvaluationReport.Parse(Report.ToJson());
        Assert.Equal(Report.ToJson(), copy.ToJson());
        Assert.Equal(Report.Metrics, copy.Metrics);
    }

    [Fact]
    public void Values_that_are_not_finite_survive_their_file()
    {
        var perfect = Report with { Metrics = [new(MetricCatalog.Psnr, double.PositiveInfinity, 32)] };
        Assert.Equal(perfect.Metrics, EvaluationReport.Parse(perfect.ToJson()).Metrics);
    }

    [Theory]
    [InlineData(MetricCatalog.Psnr, true, true, false, false)]
    [InlineData(MetricCatalog.Fid, true, false, true, true)]
    [InlineData(MetricCatalog.FidToFloat, true, true, true, false)]
    [InlineData(MetricCatalog.SizeRatio, false, true, false, false)]
    public void A_metric_depends_on_what_its_kind_is_measured_on(
        string name,
        bool sampling,
        bool floatModel,
        bool extractor,
        bool reference
    )
    {
        Assert.Equal(sampling, Differs(name, r => r with { Sampling = r.Sampling with { Seed = 1 } }));
        Assert.Equal(floatModel, Differs(name, r => r with { Float = r.Float! with { Sha256 = "other" } }));
        Assert.Equal(extractor, Differs(name, r => r with { Extractor = r.Extractor! with { Sha256 = "other" } }));
        Assert.Equal(reference, Differs(name, r => r with { Reference = r.Reference! with { Sha256 = "other" } }));
        Assert.False(Differs(name, r => r with { Model = r.Model with { Sha256 = "other" }, Device = "cuda:0" }));
    }

    [Fact]
    public void The_number_of_images_is_a_part_of_the_identity()
    {
        var fid = Report.Find(MetricCatalog.Fid)!;
        var other = MetricIdentity.Of(Report, fid with { Images = 10_000 });
        Assert.Equal("images: 512, 10000", MetricIdentity.Of(Report, fid).FindDifference(other));
    }

    [Fact]
    public void Only_the_standard_extractor_goes_without_its_name()
    {
        Assert.Equal("FID[fashion-resnet20]", Report.Label(MetricCatalog.Fid));
        Assert.Equal("PSNR", Report.Label(MetricCatalog.Psnr));
        var standard = Report with { Extractor = new("inception", "ee", IsStandardInception: true) };
        Assert.Equal("FID", standard.Label(MetricCatalog.Fid));
    }

    [Fact]
    public void A_dot_in_a_folders_name_begins_no_ending()
    {
        var root = Directory.CreateTempSubdirectory("diffusionquant-tests-");
        var folder = root.CreateSubdirectory("stable-diffusion-1.5").FullName;
        Assert.Equal("stable-diffusion-1.5", ModelIdentity.NameOf(folder + Path.DirectorySeparatorChar));
        Assert.Equal("unet", ModelIdentity.NameOf(Path.Combine(folder, "unet.onnx")));
        root.Delete(recursive: true);
    }

    private static bool Differs(string name, Func<EvaluationReport, EvaluationReport> change)
    {
        var changed = change(Report);
        var difference = MetricIdentity
            .Of(Report, Report.Find(name)!)
            .FindDifference(MetricIdentity.Of(changed, changed.Find(name)!));
        return difference is not null;
    }
}
