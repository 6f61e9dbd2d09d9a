using System.Text.Json;
using DiffusionQuant.Quantization.Artifacts;

namespace DiffusionQuant.Tool.Tests.Commands;

/// <summary>The commands on a model that is quantized in earnest.</summary>
public sealed class RealModelTests(RealArtifact artifact) : IClassFixture<RealArtifact>
{
    [Fact]
    public void Quantizing_makes_an_artifact()
    {
        Assert.True(artifact.Run.ExitCode == 0, artifact.Run.Error);
        Assert.True(File.Exists(Path.Combine(artifact.Path, "model.onnx")));
        Assert.True(File.Exists(Path.Combine(artifact.Path, "scheduler_config.json")));
        Assert.True(File.Exists(Path.Combine(artifact.Path, "quantization.json")));
    }

    [Fact]
    public async Task Inspect_shows_what_quantization_did()
    {
        var report = await InspectAsync(artifact.Path);
        Assert.Equal("quantized", report.GetProperty("kind").GetString());
        var layers = report.GetProperty("layers").EnumerateArray().ToArray();
        var first = layers.Single(l => Positions(l).Contains("first"));
        Assert.Equal("W8A8", first.GetProperty("bits").GetString());
        var other = layers.First(l => Positions(l).Length == 0);
        Assert.Equal("W4A8", other.GetProperty("bits").GetString());
        Assert.True(other.GetProperty("weightSqnr").GetDouble() > 10);
        Assert.True(other.GetProperty("activationSqnr").GetDouble() > 20);
        Assert.True(other.GetProperty("activationScale").GetDouble() > 0);
        var totals = report.GetProperty("totals");
        Assert.Equal(layers.Length, totals.GetProperty("layers").GetInt32());
        Assert.Equal(
            new FileInfo(Path.Combine(artifact.Model, "unet", "model.onnx")).Length,
            totals.GetProperty("floatBytes").GetInt64()
        );
        Assert.Equal(
            new FileInfo(Path.Combine(artifact.Path, "model.onnx")).Length,
            totals.GetProperty("bytes").GetInt64()
        );
    }

    [Fact]
    public async Task Inspect_shows_a_float_model_with_the_same_layers()
    {
        var before = await InspectAsync(artifact.Model);
        var after = await InspectAsync(artifact.Path);
        Assert.Equal("float", before.GetProperty("kind").GetString());
        // Quantizing splits the decoder's shortcuts; every other layer is the same, in the same order.
        var (common, whole) = (Names(before).Intersect(Names(after)).ToArray(), Names(before).ToArray());
        Assert.Equal(common, Names(after).Where(common.Contains));
        Assert.All(whole.Except(common), n => Assert.Contains("skip", n));
        var first = before.GetProperty("layers").EnumerateArray().Single(l => Positions(l).Contains("first"));
        Assert.Equal([8, 1, 3, 3], first.GetProperty("weightShape").EnumerateArray().Select(d => d.GetInt32()));
        Assert.Equal(80, first.GetProperty("parameters").GetInt32());
        Assert.True(first.GetProperty("weightMin").GetDouble() < 0);
        Assert.Contains(before.GetProperty("layers").EnumerateArray(), l => Positions(l).Contains("time-embedding"));
    }

    [Fact]
    public async Task Inspect_prints_a_table()
    {
        var run = await ToolRun.OfAsync(["inspect", artifact.Path]);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains(
            run.OutputLines,
            l => l.Contains("Layer") && l.Contains("Bits") && l.Contains("W dB") && l.Contains("A dB")
        );
        Assert.Matches(
            @"^\d+ layers, \d+ of them quantized, .* parameters in them, .* times larger\), output SQNR at least [\d.]+ dB \(t = \d+\)$",
            run.OutputLines[^1]
        );
    }

    [Fact]
    public async Task Inspect_shows_layers_whose_channels_have_different_widths()
    {
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(artifact.Path))
        {
            File.Copy(file, folder.At(Path.GetFileName(file)));
        }

        var made = QuantizationReport.Parse(File.ReadAllText(folder.At(QuantizationReport.FileName)));
        var mixed = made with
        {
            Layers =
            [
                .. made.Layers.Select(l =>
                    l with
                    {
                        MeanWeightBits = 4.1,
                        ChannelWidths = [new(3, 2, 1.9, 2.2, 2.5), new(5, 3, 3.25, 4, 12)],
                    }
                ),
            ],
        };
        File.WriteAllText(folder.At(QuantizationReport.FileName), mixed.ToJson());

        var layer = (await InspectAsync(folder.Path)).GetProperty("layers")[0];
        Assert.Equal(4.1, layer.GetProperty("meanWeightBits").GetDouble());
        var width = layer.GetProperty("channelWidths")[1];
        Assert.Equal(5, width.GetProperty("bits").GetInt32());
        Assert.Equal(3, width.GetProperty("channels").GetInt32());
        Assert.Equal(12, width.GetProperty("mostKurtosis").GetDouble());

        var run = await ToolRun.OfAsync(["inspect", folder.Path]);
        Assert.Contains(run.OutputLines, l => l.Contains("2×3 3×5 = 4.10"));
    }

    [Fact]
    public async Task Inspect_shows_the_blocks_of_a_float_model()
    {
        var run = await ToolRun.OfAsync(["inspect", artifact.Model, "--blocks", "--json"]);
        Assert.True(run.ExitCode == 0, run.Error);
        var report = JsonDocument.Parse(run.Output).RootElement;
        var blocks = report.GetProperty("blocks").EnumerateArray().ToArray();
        Assert.Equal(
            Names(report).Order(StringComparer.Ordinal),
            blocks
                .SelectMany(b => b.GetProperty("layers").EnumerateArray())
                .Select(l => l.GetString()!)
                .Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            report.GetProperty("totals").GetProperty("layerParameters").GetInt64(),
            blocks.Sum(b => b.GetProperty("parameters").GetInt64())
        );
        Assert.Equal(
            ["attention", "layer", "residual", "time-embedding"],
            blocks.Select(b => b.GetProperty("kind").GetString()).Distinct().Order()
        );

        var shown = await ToolRun.OfAsync(["inspect", artifact.Model, "--blocks"]);
        Assert.Contains(shown.OutputLines, l => l.Contains("Block") && l.Contains("Kind") && l.Contains("Layers"));
        Assert.Contains(shown.OutputLines, l => l.Contains("/mid_attention") && l.Contains("attention"));
        Assert.DoesNotContain(
            "blocks",
            (await InspectAsync(artifact.Model))
                .EnumerateObject()
                .Where(p => p.Value.ValueKind != JsonValueKind.Null)
                .Select(p => p.Name)
        );
    }

    [Fact]
    public async Task Inspect_finds_no_blocks_in_a_quantized_model()
    {
        var run = await ToolRun.OfAsync(["inspect", artifact.Path, "--blocks"]);
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("error: DQ1131: ", run.Error);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sample_draws_a_picture_with_either(bool quantized)
    {
        using var folder = new TemporaryFolder();
        var run = await ToolRun.OfAsync([
            "sample",
            quantized ? artifact.Path : artifact.Model,
            "-n",
            "3",
            "--steps",
            "2",
            "--seed",
            "5",
            "-o",
            folder.At("new", "grid.png"),
            "--json",
        ]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(folder.At("new", "grid.png"))[..4]);
        var report = JsonDocument.Parse(run.Output).RootElement;
        Assert.Equal(3, report.GetProperty("count").GetInt32());
        Assert.Equal(8, report.GetProperty("width").GetInt32());
        Assert.Contains("Sampling: 75 %", run.Error);
    }

    [Theory]
    [InlineData("-o grid.jpg", "DQ1125")]
    [InlineData("-o grid.png -n 0", "DQ1126")]
    [InlineData("-o grid.png --seed -1", "DQ1126")]
    [InlineData("-o grid.png --sampler eulr", "DQ1080")]
    public async Task Sample_refuses_what_makes_no_sense(string options, string code)
    {
        var run = await ToolRun.OfAsync(["sample", artifact.Model, .. options.Split(' ')]);
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith($"error: {code}: ", run.Error);
    }

    [Fact]
    public async Task Inspect_names_a_path_that_leads_nowhere()
    {
        var run = await ToolRun.OfAsync(["inspect", "no-such-model"]);
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("error: DQ1127: no-such-model: ", run.Error);
    }

    private static async Task<JsonElement> InspectAsync(string path)
    {
        var run = await ToolRun.OfAsync(["inspect", path, "--json"]);
        Assert.True(run.ExitCode == 0, run.Error);
        return JsonDocument.Parse(run.Output).RootElement;
    }

    private static string[] Positions(JsonElement layer) =>
        [.. layer.GetProperty("positions").EnumerateArray().Select(p => p.GetString()!)];

    private static string[] Names(JsonElement report) =>
        [.. report.GetProperty("layers").EnumerateArray().Select(l => l.GetProperty("name").GetString()!)];
}
