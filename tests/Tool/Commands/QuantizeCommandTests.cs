using System.Text.Json;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Tool.Tests.Commands;

public sealed class QuantizeCommandTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly FakeQuantizer quantizer = new();

    public QuantizeCommandTests() => TinyModel.Write(folder);

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Every_option_reaches_the_recipe()
    {
        var run = await RunAsync(
            "--quantize w4a6 --method minmax --policy tfmq --rule position:skip=float --rule *=A8 --softmax-bits 16 --sampler ddim --eta 0.5 --time-grid quadratic --steps 7 --calibration-samples 9 --calibration-batch 3 --seed 11 --effort quick --iterations 77 --timestep-sampling normal --timestep-mean 0.3 --timestep-deviation 0.2 --guidance-scale 3.5 --sample-selection representative --clip-sample false --input-role sample=sample --device cpu --threads 2"
        );
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(
            """
            {"calibrationBatch":3,"calibrationSamples":9,"clipSample":false,"device":"cpu","effort":"quick","eta":0.5,"guidanceScale":3.5,"inputRoles":{"sample":"sample"},"iterations":77,"method":"minmax","policy":"tfmq","quantize":"W4A6","rules":["position:skip=float","*=A8"],"sampleSelection":"representative","sampler":"ddim","seed":11,"softmaxBits":16,"steps":7,"threads":2,"timeGrid":"quadratic","timestepDeviation":0.2,"timestepMean":0.3,"timestepSampling":"normal"}
            """,
            quantizer.Request!.Recipe.CanonicalJson
        );
    }

    [Fact]
    public async Task The_budget_of_memory_is_asked_for_beside_the_recipe()
    {
        await RunAsync("--quantize W4A8 --no-cache");
        var usual = quantizer.Request!;
        await RunAsync("--quantize W4A8 --no-cache --memory-budget 3000");
        Assert.Equal(2L << 30, usual.MemoryBudget);
        Assert.Equal(3000L << 20, quantizer.Request!.MemoryBudget);
        Assert.Equal(usual.Recipe.Hash, quantizer.Request.Recipe.Hash);

        var run = await RunAsync("--quantize W4A8 --no-cache --memory-budget -1");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("--memory-budget is -1", run.Error);
    }

    [Fact]
    public async Task Options_win_over_the_recipe_file()
    {
        var recipe = folder.Write("diffquant.json", """{ "quantize": "W8A8", "steps": 20, "rules": ["*=W8"] }""");
        await RunAsync($"--recipe {recipe} --quantize W4A8 --rule position:last=float");
        Assert.Equal(new BitWidths(4, 8), quantizer.Request!.Recipe.Bits);
        Assert.Equal(20, quantizer.Request.Recipe.Steps);
        Assert.Equal(["*=W8", "position:last=float"], quantizer.Request.Recipe.Rules.Select(r => r.ToString()));
    }

    [Fact]
    public async Task JSON_is_all_there_is_on_standard_output()
    {
        quantizer.Work = (progress, _) => progress.Report(new("calibrate", 0.5, null));
        var run = await RunAsync("--quantize W4A8 --json");
        using var json = JsonDocument.Parse(run.Output);
        var report = json.RootElement;
        Assert.Equal(
            [
                "model",
                "output",
                "quantize",
                "method",
                "policy",
                "recipeHash",
                "device",
                "cacheKey",
                "fromCache",
                "floatBytes",
                "quantizedBytes",
                "ratio",
                "quantizedLayers",
                "floatLayers",
                "leastOutputSqnr",
                "worstTimestep",
                "checkedTimesteps",
                "unchecked",
                "raisedLayers",
                "limitsHold",
                "parts",
                "seconds",
            ],
            report.EnumerateObject().Select(p => p.Name)
        );
        Assert.Equal(folder.At("out"), report.GetProperty("output").GetString());
        Assert.Equal(4, report.GetProperty("ratio").GetDouble());
        Assert.Equal(1, report.GetProperty("quantizedLayers").GetInt32());
        Assert.Equal(18.25, report.GetProperty("leastOutputSqnr").GetDouble());
        Assert.Equal(64, report.GetProperty("cacheKey").GetString()!.Length);
        Assert.Contains("calibrate: 50 %", run.Error);
    }

    [Fact]
    public async Task A_person_gets_a_few_lines()
    {
        var run = await RunAsync("--quantize W4A8");
        Assert.Equal(
            [
                "Recipe  W4A8, method mse, policy strict",
                "Size    1.0 kB -> 250 B (4.0 times smaller)",
                "Layers  1 quantized, 1 float",
                "Output  SQNR against the float model at least 18.3 dB (t = 2, of 2 timesteps)",
            ],
            run.OutputLines[1..]
        );
        Assert.StartsWith($"Made    {folder.At("out")} in ", run.OutputLines[0]);
    }

    [Theory]
    [InlineData(1000, "Size    1.0 kB -> 1.0 kB (as large)", 0)]
    [InlineData(1120, "Size    1.0 kB -> 1.1 kB (1.12 times larger)", 1)]
    public async Task A_file_that_is_larger_than_its_source_says_so(long bytes, string sizes, int warnings)
    {
        quantizer.Bytes = bytes;
        var run = await RunAsync("--quantize W4A8");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains(sizes, run.OutputLines);
        Assert.Equal(warnings, run.Error.Split("DQ1134").Length - 1);
    }

    [Fact]
    public async Task A_program_gets_lines_with_prefixes()
    {
        var run = await RunAsync("--quantize W4A8 --prefix-output -v d");
        Assert.Empty(run.Error);
        Assert.Equal(["verbose", "info", "data"], run.OutputLines.Select(l => l.Split(':')[0]));
        Assert.EndsWith("1 of 2 layers quantized, in 1 s", run.OutputLines[1]);
        JsonDocument.Parse(run.OutputLines[2]["data: ".Length..]).Dispose();
    }

    [Theory]
    [InlineData("q", 0)]
    [InlineData("m", 0)]
    [InlineData("n", 1)]
    public async Task An_idle_GPU_is_worth_a_note(string verbosity, int notes)
    {
        var run = await RunAsync(
            $"--quantize W4A8 -v {verbosity}",
            host => host with { GpuFault = () => new("DQ4004", "") }
        );
        Assert.Equal(notes, run.Error.Split("add package DiffusionQuant.Cuda").Length - 1);
    }

    [Fact]
    public async Task A_GPU_that_cannot_start_is_said_with_its_reason()
    {
        var run = await RunAsync(
            "--quantize W4A8",
            host => host with { GpuFault = () => new("DQ4005", "The driver is old.") }
        );
        Assert.Contains("lies idle. The driver is old.", run.Error);
    }

    [Fact]
    public async Task Who_asks_for_the_processor_gets_no_note()
    {
        var run = await RunAsync(
            "--quantize W4A8 --device cpu",
            host => host with { GpuFault = () => new("DQ4004", "") }
        );
        Assert.Empty(run.Error);
    }

    [Fact]
    public async Task A_folder_of_other_things_is_refused_before_the_work()
    {
        folder.Write(Path.Combine("out", "thesis.txt"), "years of work");
        var run = await RunAsync("--quantize W4A8");
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("error: DQ1121: ", run.Error);
        Assert.Equal(0, quantizer.Calls);
    }

    private Task<ToolRun> RunAsync(string options, Func<ToolHost, ToolHost>? change = null) =>
        ToolRun.OfAsync(
            [
                "quantize",
                folder.At("model"),
                "-o",
                folder.At("out"),
                "--cache-directory",
                folder.At("cache"),
                .. options.Split(' '),
            ],
            quantizer,
            change
        );
}
