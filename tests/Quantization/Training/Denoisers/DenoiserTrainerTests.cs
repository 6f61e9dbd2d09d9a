using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Datasets;
using DiffusionQuant.Quantization.Training.Denoisers;

namespace DiffusionQuant.Quantization.Tests.Training.Denoisers;

/// <summary>Training from images, with a network of some thousand parameters.</summary>
public sealed class DenoiserTrainerTests : IDisposable
{
    private static readonly DenoiserTraining Tiny = new(new(8, [1, 2], 1, [4]) { Groups = 4 }, 12)
    {
        Batch = 4,
        WarmUp = 2,
        Seed = 3,
    };

    private static readonly TrainingImages Squares = TrainingImages.Load(new Images(40, 8));

    private readonly string folder = Directory.CreateTempSubdirectory("diffusionquant-tests-").FullName;

    [Theory]
    [InlineData(PredictionType.Epsilon, BetaSchedule.Linear)]
    [InlineData(PredictionType.Velocity, BetaSchedule.SquaredCosine)]
    public void Training_lowers_the_loss(PredictionType prediction, BetaSchedule schedule)
    {
        var losses = new List<float>();
        var training = Tiny with
        {
            Prediction = prediction,
            Schedule = schedule,
            Steps = 100,
            Batch = 16,
            LearningRate = 1e-2f,
        };
        var trained = new DenoiserTrainer(training, Squares)
        {
            Session = new() { Threads = 1 },
            StepDone = (_, loss) => losses.Add(loss),
        }.Run();
        Assert.Equal(100, losses.Count);
        // A network that says nothing has a loss of 1, as the first one nearly does.
        Assert.InRange(losses[0], 0.8, 2);
        Assert.InRange(losses.TakeLast(20).Average(), 0, 0.7);
        Assert.Equal(100, trained.Report.Loss[^1].Step);
        Assert.True(trained.Report.Loss[^1].Loss < trained.Report.Loss[0].Loss);
    }

    [Fact]
    public void A_training_that_was_stopped_goes_on_to_the_same_bytes()
    {
        var whole = Trainer(Path.Combine(folder, "whole")).Run();
        using var stop = new CancellationTokenSource();
        var work = Path.Combine(folder, "stopped");
        Assert.Throws<OperationCanceledException>(() => Trainer(work, (step, _) => StopAt(step, 5)).Run(stop.Token));
        var steps = new List<int>();
        var rest = Trainer(work, (step, _) => steps.Add(step)).Run();
        Assert.Equal(Enumerable.Range(6, 7), steps);
        Assert.Equal(whole.Model.ToBytes(), rest.Model.ToBytes());
        Assert.Equal(whole.Report.Loss.Select(p => (p.Step, p.Loss)), rest.Report.Loss.Select(p => (p.Step, p.Loss)));

        // What was done is done.
        steps.Clear();
        Assert.Equal(whole.Model.ToBytes(), Trainer(work, (step, _) => steps.Add(step)).Run().Model.ToBytes());
        Assert.Empty(steps);

        void StopAt(int step, int last)
        {
            if (step == last)
            {
                stop.Cancel();
            }
        }
    }

    [Fact]
    public void Batches_that_make_a_step_together_are_one_larger_batch()
    {
        var large = Losses(Tiny with { Batch = 8 });
        var parts = Losses(Tiny with { Batch = 2, Accumulation = 4 });
        Assert.All(large.Zip(parts), p => Assert.Equal(p.First, p.Second, 2e-4f * p.First));
        Assert.Equal(large, Losses(Tiny with { Batch = 8 }));
    }

    [Fact]
    public void Values_that_are_computed_again_change_nothing() =>
        Assert.All(
            Losses(Tiny).Zip(Losses(Tiny with { Recompute = true })),
            p => Assert.Equal(p.First, p.Second, 2e-4f * p.First)
        );

    [Fact]
    public void A_loss_without_bound_names_the_last_checkpoint()
    {
        var training = Tiny with { LearningRate = 1e20f, WarmUp = 0, Clip = null };
        Assert.Contains("No checkpoint", Run(training, null));
        var message = Run(training, Path.Combine(folder, "diverging"));
        Assert.Matches(@"checkpoint is that of step \d+ in .*diverging", message);

        static string Run(DenoiserTraining training, string? work)
        {
            var failure = Assert.Throws<DiffusionQuantException>(() =>
                new DenoiserTrainer(training, Squares)
                {
                    Session = new() { Threads = 1 },
                    WorkFolder = work,
                    BetweenCheckpoints = TimeSpan.Zero,
                }.Run()
            );
            Assert.Equal("DQ1141", failure.Code);
            return failure.Message;
        }
    }

    [Fact]
    public void What_is_written_loads_and_samples()
    {
        var training = Tiny with { Prediction = PredictionType.Velocity, Schedule = BetaSchedule.SquaredCosine };
        new DenoiserTrainer(training, Squares) { Session = new() { Threads = 1 } }
            .Run()
            .Save(folder);
        var model = DiffusionModel.Load(folder);
        Assert.Equal(new SampleShape(1, 8, 8), model.SampleShape);
        Assert.Equal(PredictionType.Velocity, model.Schedule.Prediction);
        Assert.Equal(BetaSchedule.SquaredCosine, model.Schedule.Config.BetaSchedule);
        Assert.Equal(17, model.Model.Opset);
        using var pipeline = DiffusionPipeline.Load(folder, new());
        var image = Assert.Single(pipeline.Generate(1, 1, options: new() { Sampler = new() { Steps = 2 } }));
        Assert.Equal((1, 8, 8), (image.Channels, image.Height, image.Width));
        Assert.Contains("\"imageCount\": 40", File.ReadAllText(Path.Combine(folder, "training.json")));
    }

    [Fact]
    public void The_first_weights_are_those_of_pytorch()
    {
        var graph = DenoiserGraph.Build(Tiny, Squares.Shape).Network.Graph;
        var weight = graph.Initializers["down.0.0.conv1.weight"].ToFloats().ToArray();
        var bound = 1 / MathF.Sqrt(8 * 9);
        Assert.All(weight, w => Assert.InRange(w, -bound, bound));
        Assert.InRange(weight.Average(w => w * w), 0.8 * bound * bound / 3, 1.2 * bound * bound / 3);
        Assert.Contains(graph.Initializers["down.0.0.conv1.bias"].ToFloats().ToArray(), b => MathF.Abs(b) > bound / 2);
        var norms = graph.Initializers.Values.Where(t => t.Dims.Length == 3).ToArray();
        Assert.NotEmpty(norms);
        Assert.All(norms, n => Assert.Single(n.ToFloats().ToArray().Distinct()));
        Assert.Equal([0f, 1f], norms.Select(n => n.ToFloats().Span[0]).Distinct().Order());
    }

    [Theory]
    [InlineData("""{ "channels": 8 }""")]
    [InlineData("""{ "channels": 8, "multipliers": [1], "blocks": 1, "attentionResolutions": [], "dropout": 0.1 }""")]
    [InlineData("""{ "channels": 8, "multipliers": [1], "blocks": 1, "attentionResolutions": [] }""")]
    [InlineData("""{ "channels": 32, "multipliers": [1,1,1,1,1], "blocks": 1, "attentionResolutions": [] }""")]
    [InlineData("""{ "channels": 32, "multipliers": [], "blocks": 1, "attentionResolutions": [] }""")]
    public void A_network_that_does_not_suit_has_a_code(string json)
    {
        var path = Path.Combine(folder, "network.json");
        File.WriteAllText(path, json);
        var failure = Assert.Throws<DiffusionQuantException>(() =>
            DenoiserConfig.Load(path).Build(Squares.Shape, path)
        );
        Assert.Equal("DQ1140", failure.Code);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static DenoiserTrainer Trainer(string work, Action<int, float>? stepDone = null) =>
        new(Tiny, Squares)
        {
            Session = new() { Threads = 1 },
            WorkFolder = work,
            StepDone = stepDone,
        };

    private static List<float> Losses(DenoiserTraining training)
    {
        var losses = new List<float>();
        new DenoiserTrainer(training, Squares)
        {
            Session = new() { Threads = 1 },
            StepDone = (_, loss) => losses.Add(loss),
        }.Run();
        return losses;
    }

    /// <summary>White squares at various places.</summary>
    private sealed class Images(int count, int side) : IImageSource
    {
        public string Name => "squares";

        public long? Count => count;

        public IEnumerable<RasterImage> Read(CancellationToken cancellation = default)
        {
            for (var i = 0; i < count; i++)
            {
                var pixels = new byte[side * side];
                for (var k = 0; k < 16; k++)
                {
                    pixels[((((i % 5) + (k / 4)) % side) * side) + (((i / 5) + (k % 4)) % side)] = 255;
                }

                yield return new(side, side, 1, pixels);
            }
        }
    }
}
