using DiffusionQuant.Diffusion.Tests.Models;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion.Tests.Pipelines;

public sealed class DiffusionPipelineTests
{
    [Fact]
    public void Images_of_the_sample_model_do_not_depend_on_the_batch()
    {
        using var pipeline = DiffusionPipeline.Load(Repository.SampleModel);
        var one = pipeline.Generate(4, seed: 5, steps: 3, new() { BatchSize = 1 });
        var four = pipeline.Generate(4, seed: 5, steps: 3, new() { BatchSize = 4 });
        var last = pipeline.Generate(1, seed: 5, steps: 3, new() { FirstImage = 3 });
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(i, one[i].Index);
            Assert.All(one[i].Pixels.Zip(four[i].Pixels), p => Assert.Equal(p.First, p.Second, 1e-4));
        }

        Assert.Equal(one[3].Pixels, last[0].Pixels);
        Assert.True(one[0].Pixels.Zip(one[1].Pixels).Average(p => Math.Abs(p.First - p.Second)) > 0.05);
    }

    /// <summary>With clipped estimates of x0 the last step of DDIM ends within them.</summary>
    [Fact]
    public void Pixels_of_the_sample_model_are_in_range_and_mostly_background()
    {
        using var pipeline = DiffusionPipeline.Load(Repository.SampleModel);
        var images = pipeline.Generate(2, seed: 1, steps: 10);
        Assert.All(images, i => Assert.All(i.Pixels, p => Assert.InRange(p, -1.001f, 1.001f)));
        // The model's pictures are padded: their border is black.
        Assert.All(images, i => Assert.True(i.Pixels.Take(32).Average() < -0.8, $"{i.Pixels.Take(32).Average()}"));
    }

    [Fact]
    public void Progress_counts_images_and_steps()
    {
        using var folder = new TemporaryFolder();
        using var pipeline = Tiny(folder, new());
        var reports = new List<GenerationProgress>();
        pipeline.Generate(3, steps: 2, options: new() { BatchSize = 2 }, progress: new Immediate(reports.Add));
        Assert.Equal([new(0, 3, 1, 2), new(2, 3, 2, 2), new(2, 3, 1, 2), new(3, 3, 2, 2)], reports);
    }

    [Fact]
    public void Labels_are_told_with_the_images()
    {
        using var folder = new TemporaryFolder();
        using var pipeline = Tiny(folder, new() { LabelName = "class_labels" });
        Assert.Equal(
            [3, 4, 3],
            pipeline.Generate(3, steps: 1, options: new() { ClassLabels = [3, 4] }).Select(i => i.ClassLabel!.Value)
        );
    }

    [Fact]
    public void Latents_without_a_decoder_are_no_images()
    {
        using var folder = new TemporaryFolder();
        using var pipeline = Tiny(folder, new() { SampleShape = ["batch", 4, 2, 2] });
        Assert.Contains("vae_decoder/model.onnx", Faults.Expect("DQ1054", () => pipeline.Generate(1)));
    }

    [Fact]
    public void Latents_are_decoded()
    {
        using var folder = new TemporaryFolder();
        Decoder().Save(folder.At("vae_decoder/model.onnx"));
        folder.Write("vae_decoder/config.json", """{"scaling_factor":0.5,"shift_factor":0.25}""");
        using var pipeline = Tiny(folder, new() { SampleShape = ["batch", 4, 2, 2] });
        var image = pipeline.Generate(2, seed: 3, steps: 1)[1];
        Assert.Equal(new(3, 4, 4), image.Shape);

        var trajectory = new Trajectory(
            pipeline.Denoiser,
            pipeline.Schedule,
            new()
            {
                Seed = 3,
                Sampler = new() { Steps = 1 },
            }
        );
        var latent = trajectory.Run([1]);
        Assert.Equal((latent[0] / 0.5) + 0.25, image.Pixels[0], 1e-5);
        Assert.Equal((latent[3] / 0.5) + 0.25, image.Pixels[15], 1e-5);
    }

    [Fact]
    public void Settings_out_of_range()
    {
        using var folder = new TemporaryFolder();
        using var pipeline = Tiny(folder, new());
        Faults.Expect("DQ1058", () => pipeline.Generate(1, options: new() { BatchSize = 0 }));
        Faults.Expect("DQ1058", () => pipeline.Generate(-1));
        Faults.Expect("DQ1049", () => pipeline.Generate(1, steps: 1001));
        Assert.Empty(pipeline.Generate(0));
    }

    [Fact]
    public void An_embedded_model()
    {
        using var pipeline = DiffusionPipeline.LoadEmbedded(
            typeof(DiffusionPipelineTests).Assembly,
            "Models/ddpm-fashion"
        );
        Assert.Equal(new(1, 32, 32), pipeline.Contract.SampleShape);
        Assert.Single(pipeline.Generate(1, steps: 1));
    }

    [Fact]
    public void An_embedded_model_that_is_not_there()
    {
        var message = Faults.Expect(
            "DQ1056",
            () => DiffusionPipeline.LoadEmbedded(typeof(DiffusionPipelineTests).Assembly, "Models/other")
        );
        Assert.Contains("Models/other/model.onnx", message);
        Assert.Contains("Models/ddpm-fashion/model.onnx", message);
    }

    private static DiffusionPipeline Tiny(TemporaryFolder folder, TinyDenoiser tiny)
    {
        tiny.Build().Save(folder.At("unet/model.onnx"));
        folder.Write("scheduler/scheduler_config.json", "{}");
        return DiffusionPipeline.Load(folder.Path);
    }

    /// <summary>Three of four channels, each pixel doubled in both directions.</summary>
    private static OnnxModel Decoder()
    {
        var graph = new OnnxGraph { Name = "decoder" };
        graph.Inputs.Add(new("latent_sample", ElementType.Float, ["batch", 4, "h", "w"]));
        graph.Outputs.Add(new("sample", ElementType.Float, ["batch", 3, "H", "W"]));
        graph.Add(OnnxTensor.Of("from", new long[] { 0 }, 1));
        graph.Add(OnnxTensor.Of("to", new long[] { 3 }, 1));
        graph.Add(OnnxTensor.Of("channel", new long[] { 1 }, 1));
        graph.Add(OnnxTensor.Of("scales", new float[] { 1, 1, 2, 2 }, 4));
        graph.Nodes.Add(new("Slice", ["latent_sample", "from", "to", "channel"], ["rgb"]));
        graph.Nodes.Add(
            new("Resize", ["rgb", "", "scales"], ["sample"])
            {
                Attributes =
                {
                    ["mode"] = "nearest",
                    ["coordinate_transformation_mode"] = "asymmetric",
                    ["nearest_mode"] = "floor",
                },
            }
        );
        return new(graph) { Opset = 17 };
    }

    private sealed class Immediate(Action<GenerationProgress> action) : IProgress<GenerationProgress>
    {
        public void Report(GenerationProgress value) => action(value);
    }
}
