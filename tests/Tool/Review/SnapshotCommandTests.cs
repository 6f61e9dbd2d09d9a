using System.Text.Json.Nodes;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Snapshots;

namespace DiffusionQuant.Tool.Tests.Review;

/// <summary><c>diffquant accept</c> and <c>diffquant review</c>.</summary>
public sealed class SnapshotCommandTests : IDisposable
{
    private static readonly EvaluationReport Good = new()
    {
        ToolVersion = "0.1.0",
        RuntimeVersion = "1.29.0",
        Device = "cpu",
        Model = new("ddpm-fashion", "aa", 1, "W4A8", "mse"),
        Float = new("ddpm-fashion", "cc", 8),
        Sampling = new("ddim", 50, "dd", 0, null, 0),
        Metrics = [new(MetricCatalog.Psnr, 32.2, 32, 0.3), new(MetricCatalog.Ssim, 0.95, 32)],
        Layers = [new("/conv", "Conv", 4, 8, 24, 100)],
    };

    private static readonly EvaluationReport Bad = Good with
    {
        Model = Good.Model with { Bits = "W3A4", Method = "minmax" },
        Metrics = [new(MetricCatalog.Psnr, 21.5, 32, 0.2), new(MetricCatalog.Ssim, 0.96, 32)],
        Layers = [new("/conv", "Conv", 3, 4, 11, 100)],
    };

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Accept_moves_the_received_file_and_says_what_changed()
    {
        var (verified, received) = WritePending("a");
        var run = await ToolRun.OfAsync(["accept", folder.Path]);
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(
            [
                $"{verified}: accepted",
                "  32 paired and 0 distribution images",
                "    PSNR 32.20 -> 21.50 dB (worse, tolerance 2.5)",
                "    SSIM 0.9500 -> 0.9600 (same, tolerance 0.01)",
            ],
            run.OutputLines
        );
        Assert.False(File.Exists(received));
        Assert.Equal(21.5, MetricsSnapshot.Load(verified).FindMeasurement(Bad)!.Find(MetricCatalog.Psnr)!.Value);
    }

    [Fact]
    public async Task Accept_takes_the_name_of_either_file_and_only_that_one()
    {
        var (verified, received) = WritePending("a");
        var other = WritePending("b").Received;
        Assert.Equal(0, (await ToolRun.OfAsync(["accept", verified, received])).ExitCode);
        Assert.False(File.Exists(received));
        Assert.True(File.Exists(other));
    }

    [Fact]
    public async Task Nothing_to_accept_is_no_failure()
    {
        var (verified, received) = WritePending("a");
        File.Delete(received);
        foreach (var path in new[] { folder.Path, verified, received })
        {
            var run = await ToolRun.OfAsync(["accept", path]);
            Assert.Equal(0, run.ExitCode);
            Assert.Contains("There is nothing to accept", run.Error);
        }
    }

    [Theory]
    [InlineData("missing", "DQ1127")]
    [InlineData("missing.metrics.verified.json", "DQ1127")]
    [InlineData("other.json", "DQ2013")]
    public async Task Paths_that_cannot_be_meant_are_refused(string name, string code)
    {
        folder.Write("other.json", "{}");
        var run = await ToolRun.OfAsync(["accept", folder.At(name)]);
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith($"error: {code}: ", run.Error);
    }

    [Fact]
    public async Task One_broken_file_leaves_all_as_they_were()
    {
        var good = WritePending("a").Received;
        folder.Write("b.metrics.received.json", "{");
        var run = await ToolRun.OfAsync(["accept", folder.Path]);
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("error: DQ2010: ", run.Error);
        Assert.True(File.Exists(good));
    }

    [Fact]
    public async Task A_first_snapshot_is_accepted_from_an_evaluation()
    {
        var evaluation = folder.Write("metrics.json", Good.ToJson());
        var target = folder.At("Models", "a.metrics.verified.json");
        var run = await ToolRun.OfAsync(["accept", "--from", evaluation, "--snapshot", target]);
        Assert.Equal(0, run.ExitCode);
        Assert.StartsWith($"{target}: accepted, the first snapshot", run.Output);
        Assert.Equal(MetricsSnapshot.Of(Good).ToJson(), File.ReadAllText(target));
    }

    [Fact]
    public async Task From_and_snapshot_belong_together()
    {
        var run = await ToolRun.OfAsync(["accept", "--from", "metrics.json"]);
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("error: DQ1120: ", run.Error);
    }

    [Fact]
    public async Task Review_shows_both_values_and_the_layers_that_fell()
    {
        var received = WritePending("a").Received;
        var run = await ToolRun.OfAsync(["review", folder.Path]);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("Changed: quantization W4A8 mse -> W3A4 minmax", run.OutputLines);
        Assert.Contains(
            run.OutputLines,
            l =>
                l.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                    is ["PSNR", "32.20 dB", "21.50 dB", "-10.70", "2.5", "worse"]
        );
        Assert.Contains("  24.0 -> 11.0 dB  /conv", run.OutputLines);
        Assert.True(File.Exists(received));
    }

    [Fact]
    public async Task Review_gives_the_same_as_data()
    {
        WritePending("a");
        var run = await ToolRun.OfAsync(["review", folder.Path, "--json"]);
        var metric = JsonNode.Parse(run.Output)!["pending"]![0]!["measurements"]![0]!["metrics"]![0]!;
        Assert.Equal("psnr", (string?)metric["name"]);
        Assert.Equal(-10.7, (double)metric["change"]!);
        Assert.Equal("worse", (string?)metric["verdict"]);
    }

    [Fact]
    public async Task Another_setting_is_shown_without_a_comparison()
    {
        var (verified, received) = WritePending("a");
        var seed = Bad with { Sampling = Bad.Sampling with { Seed = 7 } };
        SnapshotFiles.Write(received, MetricsSnapshot.Load(verified).With(seed));
        var run = await ToolRun.OfAsync(["review", received]);
        Assert.Contains(
            "measured in another way than verified, so that nothing can be compared (seed: 0, 7)",
            run.Output
        );
        Assert.DoesNotContain("32.20", run.Output);
    }

    [Theory]
    [InlineData("xa", true, "a")]
    [InlineData("sa", true, "b")]
    [InlineData("q", false, "")]
    public async Task On_a_terminal_review_asks(string keys, bool isAnyAccepted, string accepted)
    {
        WritePending("a");
        WritePending("b");
        var pressed = new Queue<char>(keys.Append('q'));
        var run = await ToolRun.OfAsync(
            ["review", folder.Path],
            change: host => host with { ReadKey = _ => Task.FromResult(pressed.Dequeue()) }
        );
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("[a]ccept, [s]kip or [q]uit?", run.Output);
        var left = Directory.GetFiles(folder.Path, "*.received.json").Select(f => Path.GetFileName(f)[..1]).ToArray();
        Assert.Equal(isAnyAccepted ? 1 : 2, left.Length);
        Assert.DoesNotContain(accepted, isAnyAccepted ? left : []);
    }

    private (string Verified, string Received) WritePending(string name)
    {
        var verified = folder.At(name + SnapshotFiles.VerifiedSuffix);
        var snapshot = MetricsSnapshot.Of(Good);
        SnapshotFiles.Write(verified, snapshot);
        var verdict = QualityGate.Check(Bad, snapshot, new(), new(verified));
        return (verified, SnapshotFiles.Settle(verified, snapshot, Bad, verdict)!);
    }
}
