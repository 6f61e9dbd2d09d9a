using DiffusionQuant.Build.Tests.Sandboxes;

namespace DiffusionQuant.Build.Tests;

/// <summary>How metadata and properties become the command line of <c>diffquant verify</c>.</summary>
public sealed class VerificationOptionsTests
{
    private const int Line = ProjectText.ItemsLine;

    [Fact]
    public async Task Metadata_that_is_not_set_is_not_passed()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject("""<DiffusionModel Include="Models/ddpm-fashion/" Quantize="W4A8" />""");
        (await sandbox.BuildAsync()).Succeeds();

        var folder = Path.Combine(sandbox.AppFolder, "obj/Debug/net10.0/diffusionquant/ddpm-fashion");
        string[] expected =
        [
            "verify",
            Path.Combine(folder, "artifact"),
            "--float",
            Path.Combine(sandbox.AppFolder, "Models/ddpm-fashion"),
            "--snapshot",
            Path.Combine(sandbox.AppFolder, "Models/ddpm-fashion.metrics.verified.json"),
            "-o",
            Path.Combine(folder, "evaluation"),
            "--cache-directory",
            sandbox.Environment["DiffusionCacheDirectory"],
            "--prefix-output",
            "--progress-file",
            Path.Combine(folder, "progress.json"),
            "--inputs-file",
            Path.Combine(folder, "verify.files"),
        ];
        Assert.Equal(expected, Assert.Single(sandbox.Verifications).Args);
    }

    [Fact]
    public async Task All_metadata_arrives_as_it_is_written()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.Write("App/quality/my statistics.npz", "numbers");
        sandbox.Environment["DiffusionQuantCudaNativePath"] = "/opt/cuda 13";
        sandbox.WriteProject(
            """
            <DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" Snapshot="quality\a b.metrics.verified.json"
              MaxFidIncrease="0.5" MinPsnr="28" MinSqnrDb="18" MaxSizeRatio="1e-1" MinSpeedup=".75" EvaluationImages="256" PairedImages="0"
              Extractor="inception" Reference="quality\my statistics.npz" Clip="quality\clip" Prompts="prompts.txt" Device="cuda:1" Threads="2" />
            """
        );
        (await sandbox.BuildAsync()).Succeeds();

        var run = Assert.Single(sandbox.Verifications);
        (string, string)[] expected =
        [
            ("--snapshot", Path.Combine(sandbox.AppFolder, "quality/a b.metrics.verified.json")),
            ("--max-fid-increase", "0.5"),
            ("--min-psnr", "28"),
            ("--min-sqnr-db", "18"),
            ("--max-size-ratio", "1e-1"),
            ("--min-speedup", ".75"),
            ("--images", "256"),
            ("--paired-images", "0"),
            ("--extractor", "inception"),
            ("--reference", Path.Combine(sandbox.AppFolder, "quality/my statistics.npz")),
            ("--clip", Path.Combine(sandbox.AppFolder, "quality/clip")),
            ("--prompts", Path.Combine(sandbox.AppFolder, "prompts.txt")),
            ("--device", "cuda:1"),
            ("--threads", "2"),
        ];
        Assert.All(expected, option => Assert.Equal(option.Item2, run.Option(option.Item1)));
        Assert.DoesNotContain("--require-snapshot", run.Args);
        Assert.Equal("/opt/cuda 13", run.Cuda);

        // None of it is about quantizing.
        Assert.DoesNotContain("--images", Assert.Single(sandbox.Starts).Args);
        Assert.DoesNotContain("--clip", Assert.Single(sandbox.Starts).Args);
    }

    [Fact]
    public async Task Numbers_of_images_on_the_command_line_come_before_those_of_the_items()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteModel("other");
        sandbox.WriteProject(
            """
            <DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" EvaluationImages="64" PairedImages="8" />
                <DiffusionModel Include="Models/other" Quantize="W4A8" />
            """
        );

        (await sandbox.BuildAsync("-p:DiffusionEvaluationImages=10000")).Succeeds();

        Assert.Equal(["10000", "10000"], sandbox.Verifications.Select(run => run.Option("--images")));
        Assert.Equal(["8", null], sandbox.Verifications.Select(run => run.Option("--paired-images")));
    }

    [Theory]
    [InlineData("Models/ddpm-fashion", "", "Models/ddpm-fashion.metrics.verified.json")]
    [InlineData("Models/ddpm-fashion", "Name=\"w4\"", "Models/w4.metrics.verified.json")]
    [InlineData("Models/ddpm-fashion/unet/model.onnx", "", "Models/ddpm-fashion/unet/model.metrics.verified.json")]
    public async Task The_snapshot_lies_beside_the_model_and_is_no_part_of_it(
        string include,
        string name,
        string expected
    )
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject($"""<DiffusionModel Include="{include}" {name} Quantize="W4A8" />""");
        (await sandbox.BuildAsync()).Succeeds();
        Assert.Equal(Path.Combine(sandbox.AppFolder, expected), sandbox.Verifications[0].Option("--snapshot"));

        sandbox.Write($"App/{expected}", "better");
        Assert.Equal("DQ2001", (await sandbox.BuildAsync()).Fails().Message().Code);
        Assert.Single(sandbox.Starts);
    }

    [Fact]
    public async Task Bad_metadata_is_reported_at_its_line_and_column_all_at_once()
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject(
            """
            <DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" Verify="sometimes"
                  MaxFidIncrease="little"
                  MinPsnr="-1"
                  MaxSizeRatio="0,3"
                  MinSpeedup="NaN"
                  EvaluationImages="1e3">
                  <PairedImages>-4</PairedImages>
                </DiffusionModel>
            """
        );

        var build = (await sandbox.BuildAsync()).Fails();

        (string, int, int)[] expected =
        [
            ("DQ1104", Line, 67),
            ("DQ1103", Line + 1, 7),
            ("DQ1103", Line + 2, 7),
            ("DQ1103", Line + 3, 7),
            ("DQ1103", Line + 4, 7),
            ("DQ1103", Line + 5, 7),
            ("DQ1103", Line + 6, 7),
        ];
        Assert.Equal(expected, build.Messages.Select(m => (m.Code, m.Line, m.Column)).OrderBy(m => (m.Line, m.Column)));
        Assert.Empty(sandbox.Starts);
    }

    [Theory]
    [InlineData("DiffusionEvaluate", "no")]
    [InlineData("DiffusionVerify", "1")]
    [InlineData("DiffusionEvaluationImages", "many")]
    [InlineData("DiffusionPairedImages", "-1")]
    public async Task A_bad_property_is_named(string property, string value)
    {
        var sandbox = await Sandbox.CreateAsync();
        sandbox.WriteProject("""<DiffusionModel Include="Models/ddpm-fashion" Quantize="W4A8" />""");

        var build = (await sandbox.BuildAsync($"-p:{property}={value}")).Fails();

        Assert.Contains($"App.csproj : error DQ1119: {property} is '{value}'", build.Output);
        Assert.Empty(sandbox.Starts);
    }
}
