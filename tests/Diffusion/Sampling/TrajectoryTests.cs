using DiffusionQuant.Diffusion.Tests.Models;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion.Tests.Sampling;

public sealed class TrajectoryTests
{
    private static readonly NoiseSchedule Schedule = Discrete.Parse("""{"num_train_timesteps":20}""");

    [Fact]
    public void Steps_follow_the_grid_and_each_starts_where_the_last_ended()
    {
        var steps = new Trajectory(new Recorder(), Schedule, new() { Sampler = new() { Steps = 4 } })
            .Steps([3, 5])
            .ToArray();
        Assert.Equal([15, 10, 5, 0], steps.Select(s => s.Timestep));
        Assert.Equal([false, false, false, true], steps.Select(s => s.IsLast));
        foreach (var (earlier, later) in steps.Zip(steps.Skip(1)))
        {
            Assert.Equal(earlier.Next, later.Samples);
        }
    }

    [Theory]
    [InlineData("ddim", 0)]
    [InlineData("ddim", 1)]
    [InlineData("ddpm", 0)]
    [InlineData("euler-ancestral", 0)]
    [InlineData("kdpm2-ancestral", 0)]
    [InlineData("unipc", 0)]
    [InlineData("lcm", 0)]
    public void An_image_does_not_depend_on_its_batch(string kind, double eta)
    {
        var trajectory = new Trajectory(
            new Recorder(),
            Schedule,
            new()
            {
                Seed = 9,
                Sampler = new()
                {
                    Kind = SolverKind.Find(kind),
                    Eta = eta,
                    Steps = 5,
                },
            }
        );
        var together = trajectory.Run([0, 1, 2, 3]);
        Assert.Equal(together[8..12], trajectory.Run([2]));
        Assert.NotEqual(together[8..12], together[4..8]);
    }

    [Fact]
    public void Seeds_differ()
    {
        float[] Run(ulong seed) =>
            new Trajectory(
                new Recorder(),
                Schedule,
                new()
                {
                    Seed = seed,
                    Sampler = new() { Steps = 3 },
                }
            ).Run([0]);
        Assert.Equal(Run(1), Run(1));
        Assert.NotEqual(Run(1), Run(2));
    }

    [Fact]
    public void Labels_are_drawn_by_image_or_given()
    {
        var labels = new TinyDenoiser { LabelName = "class_labels" };
        var recorder = new Recorder(labels);
        new Trajectory(
            recorder,
            Schedule,
            new()
            {
                Seed = 7,
                Sampler = new() { Steps = 1 },
            }
        ).Run([0, 1, 2, 3]);
        Assert.Equal([2, 0, 1, 7], recorder.Calls[^1].ClassLabels!);
        new Trajectory(
            recorder,
            Schedule,
            new()
            {
                ClassLabels = [4, 6],
                Sampler = new() { Steps = 1 },
            }
        ).Run([2, 3]);
        Assert.Equal([4, 6], recorder.Calls[^1].ClassLabels!);
    }

    [Fact]
    public void Guidance_asks_the_null_class_too()
    {
        var recorder = new Recorder(
            new TinyDenoiser { LabelName = "class_labels", LabelRows = 11 },
            new() { NullClass = 10 }
        )
        {
            Answer = (c, row) => c.ClassLabels![row] == 10 ? 0.1f : 0.3f,
        };
        var settings = new TrajectorySettings
        {
            GuidanceScale = 2,
            ClassLabels = [4],
            Sampler = new() { Steps = 2 },
        };
        var steps = new Trajectory(recorder, Schedule, settings).Steps([0]).ToArray();
        Close.All([0.5, 0.5, 0.5, 0.5], steps[0].Output, 1e-6);
        Close.All([0.3, 0.3, 0.3, 0.3], steps[0].ConditionalOutput, 1e-6);
        Close.All([0.1, 0.1, 0.1, 0.1], steps[0].UnconditionalOutput!, 1e-6);
        Assert.Equal([10], steps[1].UnconditionalCall!.ClassLabels!);
        Assert.Same(steps[1].Samples, steps[1].UnconditionalCall!.Samples);
        Assert.Equal(10, recorder.Contract.ClassCount);
    }

    [Fact]
    public void Guidance_without_a_null_class() =>
        Faults.Expect(
            "DQ1053",
            () =>
                new Trajectory(
                    new Recorder(new TinyDenoiser { LabelName = "y" }),
                    Schedule,
                    new() { GuidanceScale = 2 }
                )
        );

    /// <summary>Few images' calls of guidance are one, those of many are two, and of a graph that fixes its batch what fits.</summary>
    [Theory]
    [InlineData("batch", 4, new[] { 8 })]
    [InlineData("batch", 5, new[] { 5, 5 })]
    [InlineData(2, 1, new[] { 2 })]
    [InlineData(2, 2, new[] { 2, 2 })]
    public void Guidance_is_one_call_or_two(object batch, int images, int[] counts)
    {
        Dimension first = batch is int size ? size : (string)batch;
        var recorder = new Recorder(
            new TinyDenoiser
            {
                SampleShape = [first, 1, 2, 2],
                LabelName = "class_labels",
                LabelRows = 11,
            },
            new() { NullClass = 10 }
        );
        var settings = new TrajectorySettings
        {
            GuidanceScale = 2,
            Sampler = new() { Steps = 1 },
        };
        new Trajectory(recorder, Schedule, settings).Run([.. Enumerable.Range(0, images)]);
        Assert.Equal(counts, recorder.Calls.Select(c => c.Count));
        Assert.Equal(
            [.. Enumerable.Repeat(false, images), .. Enumerable.Repeat(true, images)],
            recorder.Calls.SelectMany(c => c.ClassLabels!).Select(l => l == 10)
        );
    }

    [Fact]
    public void Conditioning_goes_by_image()
    {
        var recorder = new Recorder(new TinyDenoiser { TextName = "encoder_hidden_states" });
        var text = ConditioningSet.Of(
            OnnxTensor.Of("encoder_hidden_states", new[] { 1f, 2, 3, 4 }, 2, 1, 2),
            OnnxTensor.Of("encoder_hidden_states_uncond", new[] { 0f, 0 }, 1, 1, 2)
        );
        new Trajectory(
            recorder,
            Schedule,
            new()
            {
                Conditioning = text,
                GuidanceScale = 3,
                Sampler = new() { Steps = 1 },
            }
        ).Run([4, 5, 7]);
        Assert.Equal(
            [1, 2, 3, 4, 3, 4, 0, 0, 0, 0, 0, 0],
            recorder.Calls[^1].Conditioning["encoder_hidden_states"].ToFloats().ToArray()
        );
    }

    [Fact]
    public void Conditioning_that_is_missing_or_does_not_fit()
    {
        var recorder = new Recorder(new TinyDenoiser { TextName = "encoder_hidden_states" });
        Trajectory With(ConditioningSet set) => new(recorder, Schedule, new() { Conditioning = set });
        Assert.Contains("encoder_hidden_states", Faults.Expect("DQ1050", () => With(ConditioningSet.Empty)));
        Faults.Expect(
            "DQ1051",
            () => With(ConditioningSet.Of(OnnxTensor.Of("encoder_hidden_states", new float[4], 2, 2)))
        );
        Faults.Expect(
            "DQ1051",
            () => With(ConditioningSet.Of(OnnxTensor.Of("encoder_hidden_states", new float[3], 1, 1, 3)))
        );
    }

    [Fact]
    public void Output_that_is_not_finite()
    {
        var trajectory = new Trajectory(
            new Recorder { Answer = (_, _) => float.NaN },
            Schedule,
            new() { Sampler = new() { Steps = 2 } }
        );
        Assert.Contains("timestep 10", Faults.Expect("DQ1055", () => trajectory.Run([0])));
    }

    [Fact]
    public void A_learned_table_bounds_the_timesteps() =>
        Faults.Expect(
            "DQ1049",
            () =>
                new Trajectory(
                    new Recorder(new TinyDenoiser { TimestepRows = 10 }),
                    Schedule,
                    new() { Sampler = new() { Steps = 4 } }
                )
        );

    [Fact]
    public void Learned_variance_needs_the_channels() =>
        Faults.Expect(
            "DQ1057",
            () =>
                new Trajectory(
                    new Recorder(),
                    Schedule,
                    new()
                    {
                        Sampler = new() { Kind = SolverKind.Find("ddpm"), Variance = VarianceType.LearnedRange },
                    }
                )
        );

    [Fact]
    public void A_run_can_be_stopped()
    {
        using var source = new CancellationTokenSource();
        var trajectory = new Trajectory(new Recorder(), Schedule, new() { Sampler = new() { Steps = 4 } });
        var seen = 0;
        Assert.Throws<OperationCanceledException>(() =>
            trajectory.Run(
                [0],
                _ =>
                {
                    seen++;
                    source.Cancel();
                },
                source.Token
            )
        );
        Assert.Equal(1, seen);
    }

    /// <summary>A network without a runtime: it answers one number for all pixels of a call, by default half the sample.</summary>
    private sealed class Recorder(TinyDenoiser? tiny = null, ModelOptions? options = null) : IDenoiser
    {
        public List<DenoiserCall> Calls { get; } = [];

        public Func<DenoiserCall, int, float>? Answer { get; init; }

        public DenoiserContract Contract { get; } = DenoiserContract.Of((tiny ?? new()).Build(), options);

        public float[] Predict(DenoiserCall call, CancellationToken cancellation = default)
        {
            Calls.Add(call);
            var size = call.Samples.Length / call.Count;
            return [.. call.Samples.Select((x, i) => Answer?.Invoke(call, i / size) ?? x / 2)];
        }
    }
}
