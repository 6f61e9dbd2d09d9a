using System.Text.Json;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Tool.Tests.Commands;

public sealed class SearchCommandTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string model;

    public SearchCommandTests() => model = TinyModel.Write(folder);

    private string RecipePath => folder.At("tiny.recipe.json");

    [Fact]
    public async Task A_search_holds_its_budget_and_is_no_worse_than_equal_widths()
    {
        var report = await SearchAsync("3.5");
        Assert.InRange(report.GetProperty("meanBits").GetDouble(), 3, 3.5);
        Assert.Equal(3, report.GetProperty("uniformBits").GetInt32());
        Assert.True(
            report.GetProperty("outputSqnr").GetDouble() > report.GetProperty("uniformOutputSqnr").GetDouble(),
            report.ToString()
        );
        Assert.False(report.GetProperty("fromCache").GetBoolean());

        // More bits are less error, for any layer.
        var layers = report.GetProperty("layers").EnumerateArray().ToArray();
        Assert.All(layers, l => Assert.True(At(l, 2) < At(l, 4) && At(l, 4) < At(l, 8), l.ToString()));
        Assert.All(
            layers.Where(l => l.GetProperty("isFixed").GetBoolean()),
            l => Assert.Equal(8, l.GetProperty("bits").GetInt32())
        );
        Assert.Equal(2, layers.Count(l => l.GetProperty("isFixed").GetBoolean()));

        static double At(JsonElement layer, int bits) =>
            layer.GetProperty("outputSqnr").GetProperty($"{bits}").GetDouble();
    }

    [Fact]
    public async Task Its_recipe_quantizes_each_layer_as_it_says()
    {
        var report = await SearchAsync("4", "--method", "minmax");
        var recipe = Recipe.Load(RecipePath);
        Assert.Equal(new BitWidths(4, 8), recipe.Bits);
        Assert.Equal("minmax", recipe.Method);
        Assert.Equal(report.GetProperty("weightsSha256").GetString(), recipe.WeightsSha256);
        Assert.DoesNotContain(folder.Path, File.ReadAllText(RecipePath));

        var run = await QuantizeAsync(model);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.DoesNotContain("DQ1098", run.Error);
        var quantized = JsonDocument
            .Parse(File.ReadAllText(folder.At("out", "quantization.json")))
            .RootElement.GetProperty("layers")
            .EnumerateArray()
            .Where(l => l.TryGetProperty("weightBits", out _))
            .ToDictionary(l => l.GetProperty("name").GetString()!, l => l.GetProperty("weightBits").GetInt32());
        Assert.Equal(
            report
                .GetProperty("layers")
                .EnumerateArray()
                .ToDictionary(l => l.GetProperty("name").GetString()!, l => l.GetProperty("bits").GetInt32()),
            quantized
        );
    }

    [Fact]
    public async Task A_recipe_for_other_weights_is_a_warning()
    {
        await SearchAsync("4");
        var run = await QuantizeAsync(TinyModel.Write(folder, seed: 2, name: "trained-again"));
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("warn: DQ1098: ", run.Error);
        Assert.Contains("diffquant search", run.Error);

        // The path is no matter.
        Directory.Move(model, folder.At("moved"));
        Assert.DoesNotContain("DQ1098", (await QuantizeAsync(folder.At("moved"))).Error);
    }

    [Fact]
    public async Task Sensitivities_are_measured_once_and_a_killed_search_goes_on()
    {
        using var stop = new CancellationTokenSource();
        var measured = 0;
        var first = await RunAsync(
            ["--budget-bits", "3", "--prefix-output"],
            line =>
            {
                // Each layer leaves a file when all its widths are measured.
                measured = Math.Max(measured, Unfinished());
                if (measured >= 3)
                {
                    stop.Cancel();
                }
            },
            stop.Token
        );
        Assert.Equal(130, first.ExitCode);
        Assert.False(File.Exists(RecipePath));
        var kept = Unfinished();
        Assert.True(kept >= 3, $"{kept}");

        var second = await RunAsync(["--budget-bits", "3"]);
        Assert.True(second.ExitCode == 0, second.Error);
        Assert.Contains($"; {kept} layers were measured before.", second.Error);
        var whole = File.ReadAllText(RecipePath);

        // Another budget measures nothing, and the same one gives the same recipe.
        Assert.True((await SearchAsync("5")).GetProperty("fromCache").GetBoolean());
        Assert.True((await SearchAsync("3", "--policy", "strict")).GetProperty("fromCache").GetBoolean());
        Assert.Equal(whole, File.ReadAllText(RecipePath));
        Assert.False((await SearchAsync("3", "--seed", "1")).GetProperty("fromCache").GetBoolean());
    }

    [Theory]
    [InlineData("--budget-bits 1.5", "DQ1126")]
    [InlineData("--budget-bits NaN", "DQ1126")]
    [InlineData("--budget-bits 2", "DQ1096")]
    [InlineData("--budget-bits 3 --widths 1,2", "DQ1120")]
    [InlineData("--budget-bits 3 --activations 9", "DQ1070")]
    [InlineData("--budget-bits 3 --rule *=W4", "DQ1097")]
    [InlineData("--budget-bits 3 --rule *=float", "DQ1097")]
    public async Task Bad_input_has_a_code(string options, string code)
    {
        var run = await RunAsync(options.Split(' '));
        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"error: {code}: ", run.Error);
        Assert.False(File.Exists(RecipePath));
    }

    [Theory]
    [InlineData("notes")]
    [InlineData("""{ "quantize": "W4A8" }""")]
    public async Task A_file_that_no_search_wrote_is_not_replaced(string text)
    {
        folder.Write("tiny.recipe.json", text);
        var run = await RunAsync(["--budget-bits", "3"]);
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("error: DQ1132: ", run.Error);
        Assert.Equal(text, File.ReadAllText(RecipePath));
    }

    public void Dispose() => folder.Dispose();

    private int Unfinished() =>
        Directory.Exists(folder.At("cache", "unfinished"))
            ? Directory.GetFiles(folder.At("cache", "unfinished"), "*.json", SearchOption.AllDirectories).Length
            : 0;

    private async Task<JsonElement> SearchAsync(string budget, params string[] options)
    {
        var run = await RunAsync(["--budget-bits", budget, .. options]);
        Assert.True(run.ExitCode == 0, run.Error);
        return JsonDocument.Parse(run.Output).RootElement;
    }

    private Task<ToolRun> RunAsync(
        string[] options,
        Action<string>? heard = null,
        CancellationToken cancellation = default
    ) =>
        ToolRun.OfAsync(
            [
                "search",
                model,
                "-o",
                RecipePath,
                "--pairs",
                "4",
                "--steps",
                "4",
                "--threads",
                "1",
                "--cache-directory",
                folder.At("cache"),
                "--progress-file",
                folder.At("progress.json"),
                "--json",
                .. options,
            ],
            change: host => heard is null ? host : host with { Output = new ListeningWriter(host.Output, heard) },
            cancellation: cancellation
        );

    private Task<ToolRun> QuantizeAsync(string path) =>
        ToolRun.OfAsync([
            "quantize",
            path,
            "-o",
            folder.At("out"),
            "--recipe",
            RecipePath,
            "--calibration-samples",
            "4",
            "--threads",
            "1",
            "--no-cache",
        ]);
}
