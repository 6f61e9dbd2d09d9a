namespace DiffusionQuant.Tool.Tests.Commands;

/// <summary>A rule that matches no layer is a warning, wherever rules are given.</summary>
public sealed class UnmatchedRuleTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string model;

    public UnmatchedRuleTests() => model = TinyModel.Write(folder);

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Quantizing_warns_before_the_long_part_and_from_the_cache_too()
    {
        var first = await QuantizeAsync("a", "--rule", "type:Convolution=float", "--rule", "type:Gemm=W8");
        Assert.True(first.ExitCode == 0, first.Error);
        Assert.Equal(1, Count(first));
        Assert.Contains(
            "'type:Convolution=float' (no layer's operator is 'Convolution'; did you mean 'type:Conv'?)",
            first.Error
        );
        Assert.DoesNotContain("Gemm=W8", first.Error);

        var second = await QuantizeAsync("b", "--rule", "type:Convolution=float", "--rule", "type:Gemm=W8");
        Assert.Contains("from the cache", second.Output);
        Assert.Equal(1, Count(second));
    }

    [Fact]
    public async Task Rules_of_a_file_count_and_those_of_policies_do_not()
    {
        var recipe = folder.Write(
            "recipe.json",
            """{ "quantize": "W4A8", "policy": "tfmq", "rules": ["*nothing*=W8"] }"""
        );
        var run = await QuantizeAsync("a", "--recipe", recipe);
        Assert.Equal(1, Count(run));
        Assert.Contains("'*nothing*=W8'", run.Error);
        Assert.Equal(0, Count(await QuantizeAsync("b", "--policy", "tfmq")));
    }

    [Fact]
    public async Task A_search_warns()
    {
        string[] arguments =
        [
            "search",
            model,
            "-o",
            folder.At("found.json"),
            "--budget-bits",
            "5",
            "--method",
            "minmax",
        ];
        var run = await ToolRun.OfAsync([
            .. arguments,
            "--pairs",
            "2",
            "--widths",
            "4,8",
            "--steps",
            "4",
            "--no-cache",
            "--rule",
            "/no/such/layer=W8",
            "--rule",
            "position:attention-product=float",
        ]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(1, Count(run));
    }

    private static int Count(ToolRun run) => run.Error.Split("warn: DQ1088: ").Length - 1;

    private Task<ToolRun> QuantizeAsync(string output, params string[] options) =>
        ToolRun.OfAsync([
            "quantize",
            model,
            "-o",
            folder.At(output),
            "--quantize",
            "W4A8",
            "--method",
            "minmax",
            "--steps",
            "4",
            "--calibration-samples",
            "4",
            "--cache-directory",
            folder.At("cache"),
            .. options,
        ]);
}
