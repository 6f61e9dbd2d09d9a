namespace DiffusionQuant.Tool.Tests.Caching;

public sealed class CacheTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly FakeQuantizer quantizer = new();

    public CacheTests() => TinyModel.Write(folder);

    private string Entry => Assert.Single(Directory.GetDirectories(folder.At("cache", "entries")));

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_second_run_takes_the_result_from_the_cache()
    {
        var first = await RunAsync("a");
        var second = await RunAsync("b");
        Assert.Equal(1, quantizer.Calls);
        Assert.Contains("\"fromCache\":false", first.Output);
        Assert.Contains("\"fromCache\":true", second.Output);
        Assert.Equal(FilesOf("a"), FilesOf("b"));
    }

    [Fact]
    public async Task A_copy_of_the_model_elsewhere_has_the_same_result()
    {
        await RunAsync("a");
        TinyModel.Write(folder, name: "copy");
        await RunFromAsync("copy", "b");
        Assert.Equal(1, quantizer.Calls);
    }

    [Fact]
    public async Task Another_recipe_model_or_schedule_is_another_result()
    {
        await RunAsync("a");
        await RunAsync("b", "--seed", "1");
        Assert.Equal(2, quantizer.Calls);
        TinyModel.Write(folder, seed: 2);
        await RunAsync("c");
        Assert.Equal(3, quantizer.Calls);
        File.AppendAllText(folder.At("model", "scheduler", "scheduler_config.json"), " ");
        await RunAsync("d");
        Assert.Equal(4, quantizer.Calls);
    }

    [Fact]
    public async Task What_a_stopped_run_left_goes_when_nobody_went_on_for_long()
    {
        foreach (var (name, age) in (ReadOnlySpan<(string, int)>)[("old", 31), ("new", 29)])
        {
            var file = folder.At("cache", "unfinished", name, "part", "unit-0.onnx");
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, "part");
            File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddDays(-age));
            Directory.SetLastWriteTimeUtc(Path.GetDirectoryName(file)!, DateTime.UtcNow.AddDays(-age));
            Directory.SetLastWriteTimeUtc(folder.At("cache", "unfinished", name), DateTime.UtcNow.AddDays(-age));
        }

        await RunAsync("a");
        Assert.Equal(
            [folder.At("cache", "unfinished", "new")],
            Directory.GetDirectories(folder.At("cache", "unfinished"))
        );
    }

    [Theory]
    [InlineData("shortened", "model.onnx has 3 bytes, not 7")]
    [InlineData("changed", "model.onnx has changed")]
    [InlineData("missing", "scheduler_config.json is missing")]
    [InlineData("no manifest", "it has no manifest")]
    [InlineData("bad manifest", "its manifest is not readable")]
    public async Task A_damaged_entry_is_said_and_made_anew(string damage, string why)
    {
        await RunAsync("a");
        var (artifact, manifest) = (Path.Combine(Entry, "artifact"), Path.Combine(Entry, "manifest.json"));
        switch (damage)
        {
            case "shortened":
                File.WriteAllText(Path.Combine(artifact, "model.onnx"), "mod");
                break;
            case "changed":
                File.WriteAllText(Path.Combine(artifact, "model.onnx"), "model X");
                break;
            case "missing":
                File.Delete(Path.Combine(artifact, "scheduler_config.json"));
                break;
            case "no manifest":
                File.Delete(manifest);
                break;
            default:
                File.WriteAllText(manifest, "{ \"files\": ");
                break;
        }

        var run = await RunAsync("b");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(2, quantizer.Calls);
        var warning = Assert.Single(run.OutputLines, l => l.StartsWith("warn: ", StringComparison.Ordinal));
        Assert.StartsWith("warn: DQ1124: ", warning);
        Assert.Contains(why, warning);
        Assert.Equal("model 2", File.ReadAllText(folder.At("b", "model.onnx")));

        await RunAsync("c");
        Assert.Equal(2, quantizer.Calls);
    }

    [Fact]
    public async Task Results_are_copies()
    {
        await RunAsync("a");
        File.WriteAllText(folder.At("a", "model.onnx"), "changed by the app's build");
        await RunAsync("b");
        Assert.Equal("model 1", File.ReadAllText(folder.At("b", "model.onnx")));
        Assert.Equal(1, quantizer.Calls);
    }

    [Fact]
    public async Task Force_makes_a_result_anew_and_keeps_it()
    {
        await RunAsync("a");
        await RunAsync("a", "--force");
        Assert.Equal(2, quantizer.Calls);
        await RunAsync("b");
        Assert.Equal("model 2", File.ReadAllText(folder.At("b", "model.onnx")));
    }

    [Fact]
    public async Task Without_a_cache_nothing_is_taken_or_kept()
    {
        string[] arguments = ["quantize", folder.At("model"), "-o", folder.At("a"), "--quantize", "W4A8", "--no-cache"];
        Func<ToolHost, ToolHost> change = host =>
            host with
            {
                Variable = n => n == "DIFFUSIONQUANT_CACHE" ? folder.At("cache") : null,
            };
        await ToolRun.OfAsync(arguments, quantizer, change);
        await ToolRun.OfAsync(arguments, quantizer, change);
        Assert.Equal(2, quantizer.Calls);
        Assert.False(Directory.Exists(folder.At("cache")));
    }

    [Fact]
    public async Task A_cache_that_cannot_be_used_is_a_warning()
    {
        folder.Write("cache", "a file where the folder would be");
        var run = await RunAsync("a");
        Assert.Equal(0, run.ExitCode);
        Assert.StartsWith("warn: DQ1123: ", run.OutputLines[0]);
        Assert.True(File.Exists(folder.At("a", "model.onnx")));
    }

    [Fact]
    public async Task Runs_at_once_make_a_result_once_and_the_others_wait()
    {
        // The one that works ends only when all others wait.
        using var waiting = new CountdownEvent(3);
        quantizer.Work = (_, cancellation) => Assert.True(waiting.Wait(TimeSpan.FromMinutes(1), cancellation));
        var runs = await Task.WhenAll(
            Enumerable
                .Range(0, 4)
                .Select(i => Task.Run(() => ToolRun.OfAsync(Arguments("model", $"out{i}"), quantizer, Listen)))
        );
        Assert.All(runs, r => Assert.Equal(0, r.ExitCode));
        Assert.Equal(1, quantizer.Calls);
        Assert.Single(Enumerable.Range(0, 4).Select(i => string.Join(',', FilesOf($"out{i}"))).Distinct());

        ToolHost Listen(ToolHost host) =>
            host with
            {
                Output = new ListeningWriter(
                    host.Output,
                    line =>
                    {
                        if (line.StartsWith("info: Another run is making the same result", StringComparison.Ordinal))
                        {
                            waiting.Signal();
                        }
                    }
                ),
            };
    }

    [Fact]
    public async Task When_the_one_that_works_fails_the_next_one_works()
    {
        using var started = new SemaphoreSlim(0);
        quantizer.Work = (_, _) =>
        {
            if (quantizer.Calls == 1)
            {
                started.Release();
                Thread.Sleep(300);
                throw new InvalidOperationException();
            }
        };
        var first = Task.Run(() => RunAsync("a"));
        await started.WaitAsync();
        var second = await RunAsync("b");
        Assert.Equal(2, (await first).ExitCode);
        Assert.Equal(0, second.ExitCode);
        Assert.Equal("model 2", File.ReadAllText(folder.At("b", "model.onnx")));
    }

    private Task<ToolRun> RunAsync(string output, params string[] more) => RunFromAsync("model", output, more);

    private Task<ToolRun> RunFromAsync(string model, string output, params string[] more) =>
        ToolRun.OfAsync(Arguments(model, output, more), quantizer);

    private string[] Arguments(string model, string output, params string[] more) =>
        [
            "quantize",
            folder.At(model),
            "-o",
            folder.At(output),
            "--quantize",
            "W4A8",
            "--cache-directory",
            folder.At("cache"),
            "--prefix-output",
            .. more,
        ];

    private string[] FilesOf(string output) =>
        [
            .. Directory
                .GetFiles(folder.At(output))
                .Order(StringComparer.Ordinal)
                .Select(f => $"{Path.GetFileName(f)}: {File.ReadAllText(f)}"),
        ];
}
