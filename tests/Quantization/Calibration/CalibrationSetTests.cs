using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Tests.Generality;

namespace DiffusionQuant.Quantization.Tests.Calibration;

/// <summary>What is kept of trajectories is what a sampler gives its network.</summary>
public sealed class CalibrationSetTests
{
    private static readonly NoisePath Schedule = NoisePath.Parse(TestModels.EpsilonSchedule);

    public static TheoryData<TimestepLaw, string, bool> Ways
    {
        get
        {
            var data = new TheoryData<TimestepLaw, string, bool>();
            foreach (var law in Enum.GetValues<TimestepLaw>())
            {
                foreach (var sampler in new[] { "ddim", "ddpm", "euler", "unipc" })
                {
                    data.Add(law, sampler, false);
                    data.Add(law, sampler, true);
                }
            }

            return data;
        }
    }

    /// <summary>Fails for the fault of PTQ4DM's code, which pairs the sample after i steps with t = i.</summary>
    [Theory]
    [MemberData(nameof(Ways))]
    public void Pairs_are_the_samplers_own_states(TimestepLaw law, string sampler, bool guided)
    {
        var recipe = new Recipe(new BitWidths(8, 8))
        {
            Sampler = SolverKind.Find(sampler),
            Steps = 10,
            TimestepSampling = law,
            GuidanceScale = guided ? 3 : 1,
            CalibrationBatch = 3,
            Seed = 5,
        };
        var (trajectory, settings) = Sampling(recipe);
        var schedule = CalibrationSchedule.Of(recipe, trajectory.Solver.Timesteps, 1000, 24);
        using var set = CalibrationSet.Follow(trajectory, Labelled.Contract, settings, schedule, 3, Context());

        Assert.Equal(schedule.Count, set.StateCount);
        Assert.Equal(guided ? 2 * schedule.Count : schedule.Count, set.Count);
        for (var row = 0; row < set.Count; row++)
        {
            var call = set.Call(row);
            // The image alone, sampled anew.
            var steps = trajectory.Steps([set.Images[row]]).ToArray();
            var step = steps.Single(s => s.Timestep == set.TimestepOf(row));
            var own = set.IsUnconditional(row) ? step.UnconditionalCall! : step.Call;
            Assert.Equal(own.Samples, call.Samples);
            Assert.Equal([step.Timestep], call.Timesteps);
            Assert.Equal(own.ClassLabels!, call.ClassLabels!);
            Assert.Equal(own.ClassLabels![0], set.ClassLabels![row]);
            Assert.Contains(step.Index, schedule.Kept[set.Images[row]]);

            // Ten steps: none is its own mirror image, so the fault would show.
            Assert.NotEqual(steps[^(step.Index + 1)].Samples, call.Samples);
        }

        Assert.Equal(
            schedule.Kept.SelectMany(k => k).Select(i => trajectory.Solver.Timesteps[i]),
            set.Timesteps.Take(set.StateCount)
        );
        if (guided)
        {
            Assert.All(set.ClassLabels!.Skip(set.StateCount), label => Assert.Equal(10, label));
            Assert.Equal(set.Timesteps.Take(set.StateCount), set.Timesteps.Skip(set.StateCount));
        }
    }

    [Theory]
    [InlineData("ddim")]
    [InlineData("ddpm")]
    [InlineData("euler-ancestral")]
    public void Collected_pairs_of_a_network_are_its_samplers_states(string sampler)
    {
        using var model = new LoadedModel(DdpmUNet.Build(DdpmUNetSettings.Tiny));
        var recipe = new Recipe(new BitWidths(8, 8))
        {
            Sampler = SolverKind.Find(sampler),
            Steps = 6,
            TimestepSampling = TimestepLaw.Normal,
            CalibrationSamples = 12,
            Device = "cpu",
        };
        using var set = CalibrationSet.Collect(new(model.Source, recipe), Context());
        Assert.Equal(12, set.Count);
        using var denoiser = new OnnxDenoiser(model.Source);
        var trajectory = new Trajectory(
            denoiser,
            model.Source.Schedule,
            CalibrationTrajectory.Settings(model.Source, recipe)
        );
        for (var row = 0; row < set.Count; row++)
        {
            var step = trajectory.Steps([set.Images[row]]).Single(s => s.Timestep == set.TimestepOf(row));
            // Another batch adds in another order.
            Assert.All(step.Samples.Zip(set.Call(row).Samples), p => Assert.Equal(p.First, p.Second, 1e-4));
        }
    }

    [Fact]
    public void What_is_spilled_is_the_same()
    {
        var recipe = new Recipe(new BitWidths(8, 8)) { Steps = 10, TimestepSampling = TimestepLaw.Uniform };
        var (trajectory, settings) = Sampling(recipe);
        var schedule = CalibrationSchedule.Of(recipe, trajectory.Solver.Timesteps, 1000, 24);
        using var held = CalibrationSet.Follow(trajectory, Labelled.Contract, settings, schedule, 4, Context());
        using var spilled = CalibrationSet.Follow(trajectory, Labelled.Contract, settings, schedule, 4, Context(0));
        Assert.False(held.IsSpilled);
        Assert.True(spilled.IsSpilled);
        int[] rows = [23, 3, 3, 0];
        Assert.Equal(held.Call(rows).Samples, spilled.Call(rows).Samples);
        Assert.Equal(rows.SelectMany(r => held.Call(r).Samples), held.Call(rows).Samples);
    }

    [Fact]
    public void A_part_of_a_set_keeps_both_calls_of_each_state()
    {
        var recipe = new Recipe(new BitWidths(8, 8)) { Steps = 10, GuidanceScale = 2 };
        var (trajectory, settings) = Sampling(recipe);
        var schedule = CalibrationSchedule.Of(recipe, trajectory.Solver.Timesteps, 1000, 20);
        using var whole = CalibrationSet.Follow(trajectory, Labelled.Contract, settings, schedule, 4, Context());
        using var part = whole.Take([3, 17], new(1 << 20));
        Assert.Equal((2, 4), (part.StateCount, part.Count));
        int[] rows = [3, 17, 3 + whole.StateCount, 17 + whole.StateCount];
        for (var i = 0; i < 4; i++)
        {
            var (expected, actual) = (whole.Call(rows[i]), part.Call(i));
            Assert.Equal(expected.Samples, actual.Samples);
            Assert.Equal(expected.Timesteps, actual.Timesteps);
            Assert.Equal(expected.ClassLabels!, actual.ClassLabels!);
            Assert.Equal(whole.Images[rows[i]], part.Images[i]);
        }
    }

    [Fact]
    public void Batches_are_of_one_timestep_and_one_call_from_the_noise_on()
    {
        var recipe = new Recipe(new BitWidths(8, 8)) { Steps = 4, GuidanceScale = 2 };
        var (trajectory, settings) = Sampling(recipe);
        var schedule = CalibrationSchedule.Of(recipe, trajectory.Solver.Timesteps, 1000, 20);
        using var set = CalibrationSet.Follow(trajectory, Labelled.Contract, settings, schedule, 4, Context());
        var batches = set.Batches(3).ToArray();
        Assert.Equal(Enumerable.Range(0, set.Count), batches.SelectMany(b => b).Order());
        Assert.All(batches, b => Assert.InRange(b.Length, 1, 3));
        Assert.All(batches, b => Assert.Single(b.Select(r => (set.TimestepOf(r), set.IsUnconditional(r))).Distinct()));
        var times = batches.Select(b => set.TimestepOf(b[0])).ToArray();
        Assert.Equal(times.OrderDescending(), times);
    }

    [Fact]
    public void Conditioning_follows_image_and_call()
    {
        var contract = WithStates();
        var arrays = ConditioningSet.Of(
            OnnxTensor.Of("encoder_hidden_states", [1f, 2, 3, 4, 5, 6], 3, 1, 2),
            OnnxTensor.Of("encoder_hidden_states_uncond", [-1f, -2], 1, 1, 2)
        );
        using var set = Follow(contract, arrays, images: 4);
        Assert.Equal([1f, 2], States(set, 0));
        Assert.Equal([5f, 6], States(set, 2));
        // The fourth image begins the three examples anew.
        Assert.Equal([1f, 2], States(set, 3));
        Assert.Equal([-1f, -2], States(set, 4));
        Assert.Equal([3f, 4, -1, -2, 5, 6], States(set, 1, 6, 2));
    }

    [Fact]
    public void Arrays_that_cannot_be_in_one_batch_are_refused_only_there()
    {
        var contract = WithStates();
        var arrays = ConditioningSet.Of(
            OnnxTensor.Of("encoder_hidden_states", [1f, 2, 3, 4], 1, 2, 2),
            OnnxTensor.Of("encoder_hidden_states_uncond", [-1f, -2], 1, 1, 2)
        );
        using var set = Follow(contract, arrays, images: 2);
        Assert.Equal(4, States(set, 0).Length);
        Assert.Equal(2, States(set, 2).Length);
        Assert.Equal("DQ1051", Assert.Throws<DiffusionQuantException>(() => set.Call(0, 2)).Code);
    }

    private static float[] States(CalibrationSet set, params int[] rows) =>
        set.Call(rows).Conditioning["encoder_hidden_states"].ToFloats().ToArray();

    private static CalibrationSet Follow(DenoiserContract contract, ConditioningSet arrays, int images)
    {
        var settings = new TrajectorySettings
        {
            GuidanceScale = 2,
            Conditioning = arrays,
            Sampler = new() { Steps = 2 },
        };
        var schedule = new CalibrationSchedule([.. Enumerable.Repeat<int[]>([1], images)]);
        return CalibrationSet.Follow(
            new(new Elementwise(contract), Schedule, settings),
            contract,
            settings,
            schedule,
            2,
            Context()
        );
    }

    private static DenoiserContract WithStates() =>
        Labelled.Contract with
        {
            Inputs =
            [
                .. Labelled.Contract.Inputs.Where(i => i.Role != DenoiserRole.ClassLabel),
                new("encoder_hidden_states", DenoiserRole.TextStates, ElementType.Float, new(["batch", "sequence", 2])),
            ],
        };

    private static (Trajectory Trajectory, TrajectorySettings Settings) Sampling(Recipe recipe)
    {
        var settings = new TrajectorySettings
        {
            Seed = (ulong)recipe.Seed,
            Sampler = recipe.ToSamplerSettings(),
            GuidanceScale = recipe.GuidanceScale ?? 1,
        };
        return (new(Labelled, Schedule, settings), settings);
    }

    private static PassContext Context(long bytes = 1 << 20) =>
        new(SessionSettings.Default, (_, _) => { }, default) { Memory = new(bytes) };

    private static Elementwise Labelled { get; } = new(ClassContract());

    private static DenoiserContract ClassContract()
    {
        var scaffold = new Scaffold();
        var model = scaffold.Build(
            (b, h, _) =>
            {
                var table = b.Parameter("classes", scaffold.Weight(11, Scaffold.Channels));
                var one = b.Op("Gather", [table, b.Input("class_labels", ElementType.Int64, "batch")], ("axis", 0L));
                return h + b.Unsqueeze(one, 2, 3);
            }
        );
        return DenoiserContract.Of(model, new() { NullClass = 10 });
    }

    /// <summary>A denoiser that computes each element alone, so that a batch changes nothing.</summary>
    private sealed class Elementwise(DenoiserContract contract) : IDenoiser
    {
        public DenoiserContract Contract => contract;

        public float[] Predict(DenoiserCall call, CancellationToken cancellation = default)
        {
            var size = call.Samples.Length / call.Count;
            return
            [
                .. call.Samples.Select(
                    (x, i) =>
                        (0.3f * x)
                        + (0.0002f * (float)call.TimestepOf(i / size))
                        + (0.02f * (call.ClassLabels is { } labels ? labels[i / size] : 0))
                ),
            ];
        }
    }
}
