using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Methods;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Tests.Calibration;
using DiffusionQuant.Quantization.Training;

namespace DiffusionQuant.Quantization.Tests.Training;

/// <summary>What the float network shows along its trajectories.</summary>
public sealed class TeacherTrajectoriesTests
{
    private const int Steps = 5;

    private static PassContext Context => new(new() { Threads = 1 }, (_, _) => { }, default);

    private static QuantizationState Plan(DiffusionModel source)
    {
        var recipe = new Recipe(BitWidths.Parse("W4A8"))
        {
            Steps = Steps,
            Threads = 1,
            Device = "cpu",
        };
        var state = new QuantizationState(source, recipe);
        foreach (var pass in GraphForm.SampledPasses.SkipLast(1))
        {
            state = pass.Run(state, Context);
        }

        return state;
    }

    [Fact]
    public void StepsAreThoseOfTheFloatNetwork()
    {
        using var model = new LoadedModel(DdpmUNet.Build(DdpmUNetSettings.Tiny));
        var state = Plan(model.Source);
        var features = NetworkFeatures.Find(state);
        Assert.NotNull(features);
        using var teacher = new TeacherTrajectories(state, 6, features, 2, Context);
        var steps = teacher.From(0, default).Take(8).ToArray();
        using var denoiser = new OnnxDenoiser(model.Source);
        for (var i = 0; i < steps.Length; i++)
        {
            Assert.Equal(6, steps[i].Call.Count);
            // Three parts of two images, as 4 does not divide 6, each at a timestep of its own.
            Assert.Equal(3, steps[i].Call.Timesteps.Distinct().Count());
            Assert.All(
                denoiser.Predict(steps[i].Call).Zip(steps[i].Output),
                p => Assert.Equal(p.First, p.Second, 1e-4f)
            );
            Assert.Equal(
                2 * (Enumerable.Range(0, 3).Count(l => (i + (l * Steps / 3)) % Steps == 0)),
                steps[i].Begins.Count(b => b)
            );
        }

        // A new trajectory begins with other noise.
        Assert.NotEqual(steps[0].Call.Samples.Take(10), steps[Steps].Call.Samples.Take(10));
    }

    [Fact]
    public void ARunGoesOnWhereItWas()
    {
        using var model = new LoadedModel(DdpmUNet.Build(DdpmUNetSettings.Tiny));
        var state = Plan(model.Source);
        var features = NetworkFeatures.Find(state);
        using var first = new TeacherTrajectories(state, 4, features, 2, Context);
        using var second = new TeacherTrajectories(state, 4, features, 2, Context);
        foreach (var (expected, actual) in first.From(0, default).Skip(7).Take(4).Zip(second.From(7, default)))
        {
            Assert.Equal(expected.Call.Samples, actual.Call.Samples);
            Assert.Equal(expected.Call.Timesteps, actual.Call.Timesteps);
            Assert.Equal(expected.Output, actual.Output);
            Assert.Equal(expected.Features, actual.Features);
            Assert.Equal(expected.Begins, actual.Begins);
        }
    }

    [Fact]
    public void FeaturesAreSummedOverStepsOfOneTrajectory()
    {
        using var model = new LoadedModel(DdpmUNet.Build(DdpmUNetSettings.Tiny));
        var state = Plan(model.Source);
        var features = NetworkFeatures.Find(state);
        using var single = new TeacherTrajectories(state, 1, features, 1, Context);
        using var pairs = new TeacherTrajectories(state, 1, features, 2, Context);
        var alone = single.From(0, default).Take(Steps + 2).Select(s => s.Features!).ToArray();
        var summed = pairs.From(0, default).Take(Steps + 2).Select(s => s.Features!).ToArray();
        for (var i = 0; i < alone.Length; i++)
        {
            var expected = i % Steps == 0 ? alone[i] : [.. alone[i].Zip(alone[i - 1], (a, b) => a + b)];
            Assert.All(expected.Zip(summed[i]), p => Assert.Equal(p.First, p.Second, 1e-5f));
        }
    }
}
