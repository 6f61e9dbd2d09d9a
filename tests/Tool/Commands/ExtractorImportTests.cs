using System.Text.Json;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Tool.Tests.Commands;

public sealed class ExtractorImportTests
{
    private static string Checkpoint => Path.Combine(AppContext.BaseDirectory, "Data", "constant_inception.pth");

    [Fact]
    public async Task A_checkpoint_becomes_an_extractor_that_can_be_used()
    {
        using var folder = new TemporaryFolder();
        var run = await ToolRun.OfAsync(["extractor", "import", Checkpoint, "-o", folder.At("out"), "--json"]);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("FID[constant_inception]", run.Error);
        var report = JsonDocument.Parse(run.Output).RootElement;
        Assert.False(report.GetProperty("isStandard").GetBoolean());
        Assert.Equal(folder.At("out"), report.GetProperty("output").GetString());
        Assert.Equal(
            ["extractor.json", "model.onnx"],
            Directory.GetFiles(folder.At("out")).Select(Path.GetFileName).Order()
        );

        var settings = ExtractorSettings.Load(folder.At("out", "extractor.json"));
        Assert.Equal(report.GetProperty("sourceSha256").GetString(), settings.SourceSha256);
        Assert.Equal(ResizeFilter.Tf1Bilinear, settings.Resize);
        using var extractor = FeatureExtractor.Load(folder.At("out"));
        Assert.Equal("constant_inception", extractor.Identity.Name);
        Assert.False(extractor.Identity.IsStandardInception);
        Assert.Equal(2048, extractor.Dimensions);
        Assert.Equal(1008, extractor.Classes);
        Assert.Equal(2023, extractor.SpatialDimensions);
        // The classifier takes the mean of the features; its bias of 1/4 is left out.
        var features = extractor.Extract([Gray(8, 192)]);
        Assert.True(features.Features.Min() > 0);
        Assert.All(features.Logits!, l => Assert.Equal(features.Features.Average(), l, 3));
    }

    [Fact]
    public async Task An_extractor_is_replaced_and_anything_else_is_not()
    {
        using var folder = new TemporaryFolder();
        folder.Write("out/thesis.tex", "years of work");
        var run = await ToolRun.OfAsync(["extractor", "import", Checkpoint, "-o", folder.At("out")]);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("DQ1121", run.Error);
        Assert.Contains("an extractor", run.Error);
        Assert.Equal("years of work", File.ReadAllText(folder.At("out", "thesis.tex")));

        File.Delete(folder.At("out", "thesis.tex"));
        folder.Write("out/extractor.json", "old");
        folder.Write("out/model.onnx", "old");
        run = await ToolRun.OfAsync(["extractor", "import", Checkpoint, "-o", folder.At("out"), "--name", "mine"]);
        Assert.Equal(0, run.ExitCode);
        Assert.Equal("mine", ExtractorSettings.Load(folder.At("out", "extractor.json")).Name);
        Assert.Equal([folder.At("out")], Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task A_refused_checkpoint_leaves_the_folder_as_it_was()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("harm.pth", "\u0080");
        File.WriteAllBytes(path, [0x80, 2, .. "cos\nsystem\nX\u0004\0\0\0true\u0085R."u8]);
        var run = await ToolRun.OfAsync(["extractor", "import", path, "-o", folder.At("out")]);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("DQ3053", run.Error);
        Assert.Contains("'os.system'", run.Error);
        Assert.False(Directory.Exists(folder.At("out")));
    }

    [Theory]
    [InlineData("import", "model.pth")]
    [InlineData("imprt", "model.pth", "-o", "out")]
    public async Task Help_of_a_nested_command_is_named_in_full(params string[] arguments)
    {
        var run = await ToolRun.OfAsync(["extractor", .. arguments]);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("DQ1120", run.Error);
        var expected = arguments[0] == "import" ? "diffquant extractor import --help" : "diffquant extractor --help";
        Assert.Contains(expected, run.Error.ReplaceLineEndings(" "));
    }

    private static RasterImage Gray(int size, byte value)
    {
        var pixels = new byte[size * size * 3];
        Array.Fill(pixels, value);
        return new(size, size, 3, pixels);
    }
}
