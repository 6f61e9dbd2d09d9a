using System.Text.Json;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Tool.Tests.Commands;

public sealed class TrainCommandTests : IDisposable
{
    private const string Network = """
        { "channels": 8, "multipliers": [1, 2], "blocks": 1, "attentionResolutions": [4], "groups": 4 }
        """;

    private readonly TemporaryFolder folder = new();

    public TrainCommandTests()
    {
        folder.Write("tiny.json", Network);
        Images("images.npy", 20, 8);
    }

    [Fact]
    public async Task A_model_is_trained_and_samples()
    {
        var run = await RunAsync("--json", "--prediction", "v", "--schedule", "cosine");
        Assert.True(run.ExitCode == 0, run.Error);
        var report = JsonDocument.Parse(run.Output).RootElement;
        Assert.Equal(6, report.GetProperty("steps").GetInt32());
        Assert.Equal(20, report.GetProperty("imageCount").GetInt32());
        Assert.InRange(report.GetProperty("loss").GetDouble(), 0.1, 2);

        var model = DiffusionModel.Load(folder.At("out"));
        Assert.Equal(PredictionType.Velocity, model.Schedule.Prediction);
        var training = JsonDocument.Parse(File.ReadAllText(folder.At("out", "training.json"))).RootElement;
        Assert.Equal("images.npy", training.GetProperty("images").GetString());
        Assert.Equal(6, training.GetProperty("loss").EnumerateArray().Last().GetProperty("step").GetInt32());

        // Nothing is left beside it, and another training may take its place.
        Assert.Equal(["out"], Directory.GetDirectories(folder.Path).Select(Path.GetFileName));
        run = await RunAsync("--prediction", "v", "--schedule", "cosine");
        Assert.True(run.ExitCode == 0, run.Error);
        var sampled = await ToolRun.OfAsync([
            "sample",
            folder.At("out"),
            "-o",
            folder.At("grid.png"),
            "-n",
            "1",
            "--steps",
            "2",
        ]);
        Assert.True(sampled.ExitCode == 0, sampled.Error);
    }

    [Fact]
    public async Task A_training_that_was_stopped_goes_on_to_the_same_bytes()
    {
        await RunAsync("--steps", "12");
        var whole = File.ReadAllBytes(folder.At("out", "unet", "model.onnx"));
        Directory.Delete(folder.At("out"), recursive: true);

        using var stop = new CancellationTokenSource();
        var stopped = await ToolRun.OfAsync(
            [.. With("--steps", "12"), "--prefix-output"],
            change: host =>
                host with
                {
                    Output = new ListeningWriter(
                        host.Output,
                        line =>
                        {
                            if (line.Contains("step 5 of 12", StringComparison.Ordinal))
                            {
                                stop.Cancel();
                            }
                        }
                    ),
                },
            cancellation: stop.Token
        );
        Assert.Equal(130, stopped.ExitCode);
        Assert.False(Directory.Exists(folder.At("out")));
        Assert.Single(Directory.GetDirectories(folder.Path, "out.*.training"));

        var rest = await RunAsync("--steps", "12");
        Assert.Contains("Going on from step ", rest.Error);
        Assert.Equal(whole, File.ReadAllBytes(folder.At("out", "unet", "model.onnx")));
        Assert.Empty(Directory.GetDirectories(folder.Path, "out.*.training"));
    }

    [Theory]
    [InlineData("--images none.npy", "DQ3026")]
    [InlineData("--images odd.npy", "DQ1140")]
    [InlineData("--images images.npy --memory-budget 0", "DQ1126")]
    [InlineData("--config large", "DQ1140")]
    [InlineData("--prediction x0", "DQ1080")]
    [InlineData("--schedule sigmoid", "DQ1080")]
    [InlineData("--average 1", "DQ1126")]
    [InlineData("--learning-rate NaN", "DQ1126")]
    [InlineData("--learning-rate 1e25 --clip 0 --warm-up 0", "DQ1141")]
    public async Task Bad_input_has_a_code(string options, string code)
    {
        Images("odd.npy", 3, 7);
        var words = options.Split(' ').Select(w => w.EndsWith(".npy", StringComparison.Ordinal) ? folder.At(w) : w);
        var run = await RunAsync([.. words]);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"error: {code}: ", run.Error);
        Assert.False(Directory.Exists(folder.At("out")));
    }

    [Fact]
    public async Task A_folder_of_something_else_is_not_replaced()
    {
        folder.Write(Path.Combine("out", "notes.txt"), "notes");
        var run = await RunAsync();
        Assert.Contains("error: DQ1121: ", run.Error);
        Assert.True(File.Exists(folder.At("out", "notes.txt")));
    }

    public void Dispose() => folder.Dispose();

    private string[] Arguments =>
        [
            "train",
            "--images",
            folder.At("images.npy"),
            "-o",
            folder.At("out"),
            "--config",
            folder.At("tiny.json"),
            "--steps",
            "6",
            "--batch",
            "2",
            "--threads",
            "1",
        ];

    private Task<ToolRun> RunAsync(params string[] options) => ToolRun.OfAsync(With(options));

    /// <summary>Options that are given again take the place of the first ones.</summary>
    private string[] With(params string[] options)
    {
        var arguments = Arguments.ToList();
        foreach (var option in options)
        {
            if (arguments.IndexOf(option) is var at and >= 0 && option.StartsWith("--", StringComparison.Ordinal))
            {
                arguments.RemoveRange(at, 2);
            }
        }

        return [.. arguments, .. options];
    }

    private void Images(string name, int count, int side)
    {
        using var stream = File.Create(folder.At(name));
        new NpyHeader(ElementType.UInt8, [count, side, side]).Write(stream);
        stream.Write([.. Enumerable.Range(0, count * side * side).Select(i => (byte)(i * 37))]);
    }
}
