using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Snapshots;
using DiffusionQuant.Tool.CommandLine;

namespace DiffusionQuant.Tool.Tests.Commands;

public sealed class EvaluatePartsTests(RealArtifact artifact) : IClassFixture<RealArtifact>, IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Parts => folder.At("parts");

    [Fact]
    public async Task Parts_are_merged_into_what_one_machine_measures()
    {
        for (var i = 1; i <= 3; i++)
        {
            var part = await EvaluateAsync(Parts, ["--shard", $"{i}/3"]);
            Assert.Equal(ExitCodes.Fine, part.ExitCode);
            Assert.Contains($"part {i} of 3, images {2 * (i - 1)} to {(2 * i) - 1}", part.Output);
        }

        // Not even what they worked in is left beside them.
        Assert.Equal(3, Directory.GetFileSystemEntries(Parts).Length);
        var merged = await ToolRun.OfAsync(["merge", Parts, "-o", folder.At("merged", "metrics.json")]);
        Assert.Equal(ExitCodes.Fine, merged.ExitCode);
        Assert.True(File.Exists(folder.At("merged", "report.html")));

        Assert.Equal(ExitCodes.Fine, (await EvaluateAsync(folder.At("whole"), [])).ExitCode);
        var (expected, actual) = (Read("whole"), Read("merged"));
        Assert.Equal(expected.Metrics.Select(m => m.Name), actual.Metrics.Select(m => m.Name));
        foreach (var metric in expected.Metrics.Where(m => m.Name != MetricCatalog.Speedup))
        {
            Assert.Equal(metric.Value, actual.Find(metric.Name)!.Value, 1e-9);
        }

        Assert.NotNull(actual.Speed);
        Assert.DoesNotContain("--shard", actual.Command);
        Assert.Equal(expected.Samples, actual.Samples);
        Assert.All(actual.Samples, s => Assert.True(File.Exists(folder.At("merged", s.Quantized))));
    }

    [Theory]
    [InlineData("SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=1", "SLURM_ARRAY_TASK_ID")]
    [InlineData("JOB_COMPLETION_INDEX=1 DIFFQUANT_SHARDS=3", "JOB_COMPLETION_INDEX")]
    [InlineData("RANK=1 WORLD_SIZE=3", "RANK")]
    public async Task A_scheduler_s_part_takes_the_place_of_the_same_part(string variables, string source)
    {
        await EvaluateAsync(Parts, ["--shard", "2/3"]);
        var file = Assert.Single(Directory.GetFiles(Parts));
        File.WriteAllText(file, "damaged");

        var run = await EvaluateAsync(Parts, [], variables);
        Assert.Equal(ExitCodes.Fine, run.ExitCode);
        Assert.Contains($"Part 2/3 of the run, as {source} says.", run.Error);
        Assert.Equal(file, Assert.Single(Directory.GetFiles(Parts)));
        Assert.NotEqual("damaged", File.ReadAllText(file));
    }

    [Theory]
    // What was said wins.
    [InlineData("--shard 3/3", "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=x", ExitCodes.Fine, "part 3 of 3")]
    [InlineData("--shard 1/1", "RANK=1 WORLD_SIZE=3", ExitCodes.Fine, "report.html")]
    [InlineData("", "RANK=0 WORLD_SIZE=1", ExitCodes.Fine, "report.html")]
    [InlineData("--shard 4/4", "", ExitCodes.Fine, "images 4 to 5")]
    [InlineData("--shard 1/4", "", ExitCodes.Fine, "without images: there are more parts than batches")]
    [InlineData("--shard 4/3", "", ExitCodes.Input, "DQ3002")]
    [InlineData("", "RANK=3 WORLD_SIZE=3", ExitCodes.Input, "DQ3003")]
    [InlineData("", "JOB_COMPLETION_INDEX=1", ExitCodes.Input, "DQ3004")]
    public async Task The_part_is_what_option_and_variables_say(
        string option,
        string variables,
        int exitCode,
        string mentions
    )
    {
        var run = await EvaluateAsync(Parts, option.Split(' ', StringSplitOptions.RemoveEmptyEntries), variables);
        Assert.Equal(exitCode, run.ExitCode);
        Assert.Contains(mentions, run.Output + run.Error);
    }

    [Fact]
    public async Task A_merge_says_what_is_wrong_with_its_parts()
    {
        Directory.CreateDirectory(Parts);
        await FailsAsync("DQ3009", Parts);
        await EvaluateAsync(Parts, ["--shard", "1/2"]);
        await FailsAsync("DQ3007", Parts);
        await EvaluateAsync(Parts, ["--shard", "1/3"]);
        await FailsAsync("DQ3008", Parts);
        var other = folder.At("other");
        await EvaluateAsync(other, ["--shard", "2/2", "--seed", "5"]);
        var first = Directory.GetFiles(Parts, "*.1of2.dqpart")[0];
        await FailsAsync("DQ3006", first, other);
        var bytes = File.ReadAllBytes(first);
        bytes[bytes.Length / 2] ^= 4;
        File.WriteAllBytes(first, bytes);
        await FailsAsync("DQ3005", first);
        await FailsAsync("DQ3005", folder.At("nothing.dqpart"));
        Assert.False(Directory.Exists(folder.At("merged")));
    }

    [Fact]
    public async Task A_part_that_is_stopped_behind_the_float_model_does_not_ask_it_again()
    {
        using var source = new CancellationTokenSource();
        var stopped = await EvaluateAsync(
            Parts,
            ["--shard", "1/2", "--no-cache", "--prefix-output"],
            heard: line =>
            {
                if (line.StartsWith("info: images", StringComparison.Ordinal))
                {
                    source.Cancel();
                }
            },
            cancellation: source.Token
        );
        Assert.Equal(ExitCodes.Cancelled, stopped.ExitCode);
        Assert.Contains("float images", stopped.Output);
        Assert.Empty(Directory.GetFiles(Parts));

        var again = await EvaluateAsync(Parts, ["--shard", "1/2", "--no-cache"]);
        Assert.Equal(ExitCodes.Fine, again.ExitCode);
        Assert.DoesNotContain("float images", again.Error);
        Assert.Single(Directory.GetFileSystemEntries(Parts));
    }

    [Fact]
    public async Task A_merge_can_be_a_gate()
    {
        for (var i = 1; i <= 2; i++)
        {
            await EvaluateAsync(Parts, ["--shard", $"{i}/2"]);
        }

        Assert.Equal(ExitCodes.Fine, (await MergeAsync("--min-psnr", "1")).ExitCode);
        var worse = await MergeAsync("--min-psnr", "99");
        Assert.Equal(ExitCodes.Quality, worse.ExitCode);
        Assert.Contains("DQ2", worse.Error);

        var verified = folder.At("model" + SnapshotFiles.VerifiedSuffix);
        Assert.Equal(ExitCodes.Quality, (await MergeAsync("--snapshot", verified)).ExitCode);
        var received = SnapshotFiles.ReceivedPath(verified);
        Assert.True(File.Exists(received));
        File.Move(received, verified);
        Assert.Equal(ExitCodes.Fine, (await MergeAsync("--snapshot", verified)).ExitCode);
        Assert.Equal(ExitCodes.Input, (await MergeAsync("--snapshot", folder.At("metrics.json"))).ExitCode);
    }

    public void Dispose() => folder.Dispose();

    private EvaluationReport Read(string name) =>
        EvaluationReport.Parse(File.ReadAllText(folder.At(name, EvaluationReport.FileName)));

    private Task<ToolRun> MergeAsync(params string[] options) =>
        ToolRun.OfAsync(["merge", Parts, "-o", folder.At("merged"), .. options]);

    private async Task FailsAsync(string code, params string[] parts)
    {
        var run = await ToolRun.OfAsync(["merge", .. parts, "-o", folder.At("merged")]);
        Assert.Equal(ExitCodes.Input, run.ExitCode);
        Assert.Contains(code, run.Error);
    }

    private Task<ToolRun> EvaluateAsync(
        string output,
        string[] options,
        string variables = "",
        Action<string>? heard = null,
        CancellationToken cancellation = default
    )
    {
        var values = variables
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(v => v.Split('='))
            .ToDictionary(v => v[0], v => v[1]);
        string[] cache = options.Contains("--no-cache") ? [] : ["--cache-directory", folder.At("cache")];
        return ToolRun.OfAsync(
            [
                "evaluate",
                artifact.Path,
                "--float",
                artifact.Model,
                "--images",
                "0",
                "--paired-images",
                "6",
                "--batch",
                "2",
                "--steps",
                "3",
                "--threads",
                "1",
                "-o",
                output,
                .. cache,
                .. options,
            ],
            change: host =>
                host with
                {
                    Variable = name => values.GetValueOrDefault(name),
                    Output = heard is null ? host.Output : new ListeningWriter(host.Output, heard),
                },
            cancellation: cancellation
        );
    }
}
