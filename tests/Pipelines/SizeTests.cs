using DiffusionQuant.Diffusion;
using DiffusionQuant.Diffusion.Tests;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Pipelines.Tests;

/// <summary>Pictures of other sizes than the model's own.</summary>
public sealed class SizeTests
{
    private const string Prompt = "a red sneaker on a yellow background";
    private static readonly string Clothes = Repository.PathOf("samples/TextToImage/Models/sd-clothes");

    [Fact]
    public void The_model_s_own_size_is_no_other()
    {
        using var pipeline = DiffusionPipeline.Load(Clothes);
        Assert.Equal((64, 64), pipeline.FindPictureSize());
        var own = pipeline.Generate(Prompt, steps: 2)[0];
        var asked = pipeline.Generate(Prompt, steps: 2, options: new() { Size = (64, 64) })[0];
        Assert.Equal(own.Pixels, asked.Pixels);
    }

    [Fact]
    public void Quantized_at_one_size_and_drawn_at_another()
    {
        using var folder = new TemporaryFolder();
        var recipe = new Recipe(BitWidths.Parse("W8A8"))
        {
            Method = "minmax",
            Steps = 3,
            CalibrationSamples = 8,
            Prompts = Repository.PathOf("samples/TextToImage/prompts.txt"),
            Sampler = SolverKind.Find("ddim"),
            GuidanceScale = 4,
            Device = "cpu",
        };
        var output = Directory.CreateDirectory(folder.At("out")).FullName;
        Quantizer.Run(new(Clothes, output, recipe));
        var options = new GenerationOptions
        {
            Size = (48, 96),
            GuidanceScale = 4,
            Sampler = recipe.ToSamplerSettings(),
        };
        var pictures = new[] { Clothes, output }.Select(path =>
        {
            using var pipeline = DiffusionPipeline.Load(path);
            return pipeline.Generate(Prompt, seed: 3, options: options)[0];
        });
        var both = pictures.ToArray();
        Assert.Equal((48, 96), (both[1].Height, both[1].Width));
        var error = both[0].ToBytes().Zip(both[1].ToBytes()).Average(p => Math.Pow(p.First - p.Second, 2));
        Assert.True(error < 255 * 255 / Math.Pow(10, 2.5), $"{error}");
    }

    [Theory]
    [InlineData(62, 64)]
    [InlineData(64, 0)]
    [InlineData(64, -4)]
    public void No_multiple_of_a_cell_is_refused(int height, int width)
    {
        using var pipeline = DiffusionPipeline.Load(Clothes);
        var options = new GenerationOptions { Size = (height, width) };
        Assert.Equal("DQ1058", Code(() => pipeline.Generate(Prompt, options: options)));
    }

    [Fact]
    public void What_the_graph_fixes_is_refused()
    {
        using var family = Family.Create("sd15");
        using var pipeline = DiffusionPipeline.Load(family.Folder);
        var (height, width) = pipeline.FindPictureSize();
        Assert.Equal("DQ1058", Code(() => pipeline.Generate(Prompt, options: new() { Size = (height * 2, width) })));
    }

    private static string Code(Action action) => Assert.Throws<DiffusionQuantException>(action).Code;
}
