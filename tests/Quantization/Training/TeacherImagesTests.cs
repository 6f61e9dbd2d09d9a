using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Datasets;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Tests.Calibration;
using DiffusionQuant.Quantization.Training;

namespace DiffusionQuant.Quantization.Tests.Training;

/// <summary>Images to train on, and what networks should say of them.</summary>
public sealed class TeacherImagesTests
{
    /// <summary>The images' content, not their place, decides what a recipe is.</summary>
    [Fact]
    public void ImagesDecideTheRecipesHash()
    {
        var recipe = new Recipe(new(4, 4)) { TrainingData = TrainedNetworks.Images(3, 8) };
        Assert.NotEqual(new Recipe(new(4, 4)).Hash, recipe.Hash);
        Assert.Equal(recipe.Hash, (recipe with { TrainingData = TrainedNetworks.Images(3, 8) }).Hash);
        Assert.NotEqual(recipe.Hash, (recipe with { TrainingData = TrainedNetworks.Images(1, 8) }).Hash);
        var below = Directory.CreateTempSubdirectory("diffusionquant-tests-");
        File.Copy(recipe.TrainingData, Path.Combine(below.CreateSubdirectory("a").FullName, "images.npy"));
        var folder = (recipe with { TrainingData = below.FullName }).Hash;
        File.Delete(Path.Combine(below.FullName, "a", "images.npy"));
        Assert.NotEqual(folder, (recipe with { TrainingData = below.FullName }).Hash);
    }

    /// <summary>The noise is that of the forward process, and the network is asked for what its kind predicts.</summary>
    [Theory]
    [InlineData("epsilon")]
    [InlineData("v_prediction")]
    [InlineData("sample")]
    public void NoiseAndTargetFitTogether(string prediction)
    {
        var schedule = (NoiseSchedule)
            NoisePath.Parse(
                $$"""{ "_class_name": "DDIMScheduler", "num_train_timesteps": 1000, "prediction_type": "{{prediction}}" }"""
            );
        var target = new NoisePredictionTarget(schedule);
        float[] clean = [0.5f, -1, 0.25f];
        float[] noise = [1, 0.5f, -2];
        const int Timestep = 300;
        var mixed = clean.ToArray();
        var wanted = noise.ToArray();
        target.Mix(Timestep, mixed, wanted);
        var kept = schedule.AlphasCumprod[Timestep];
        for (var i = 0; i < clean.Length; i++)
        {
            var (signal, spread) = (Math.Sqrt(kept), Math.Sqrt(1 - kept));
            Assert.Equal((signal * clean[i]) + (spread * noise[i]), mixed[i], 1e-6);
            // x0 follows from either.
            var again = prediction switch
            {
                "epsilon" => (mixed[i] - (spread * wanted[i])) / signal,
                "v_prediction" => (signal * mixed[i]) - (spread * wanted[i]),
                _ => wanted[i],
            };
            Assert.Equal(clean[i], again, 1e-6);
        }
    }

    /// <summary>Between noise and float network: the gradient of a weighted sum is that of the distance to the mean.</summary>
    [Fact]
    public void DataAndFloatNetworkAreMixed()
    {
        using var model = new LoadedModel(DdpmUNet.Build(TrainedNetworks.Calm));
        var path = TrainedNetworks.Images(3, 8);
        var state = new QuantizationState(model.Source, TrainedNetworks.Recipe("W3A6", "q-dm"));
        var images = TrainingImages.Load(ImageSources.Open(path), model.Source.SampleShape);
        var noise = First(null);
        var both = First(new() { Weight = 3 });
        var teacher = First(new());
        Assert.Equal(noise.Call.Samples, teacher.Call.Samples);
        Assert.Equal(noise.Call.Timesteps, both.Call.Timesteps);
        Assert.NotEqual(noise.Output, teacher.Output);
        for (var i = 0; i < both.Output.Length; i++)
        {
            Assert.Equal((noise.Output[i] + (3 * teacher.Output[i])) / 4, both.Output[i], 1e-4f);
        }

        TeacherStep First(NoiseEstimatingMimicking? mimicking)
        {
            using var of = new TeacherImages(state, images, mimicking, 4, TrainedNetworks.Context());
            return of.From(5, default).First();
        }
    }
}
