using DiffusionQuant.Diffusion;
using DiffusionQuant.Diffusion.Tests;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Pipelines.Tests;

/// <summary>What becomes of a pipeline's other parts.</summary>
public sealed class PartsTests : IDisposable
{
    private const string Prompt = "a red sneaker on a yellow background";
    private readonly TemporaryFolder folder = new();
    private readonly Family family = Family.Create("sd15");
    private readonly string prompts;

    public PartsTests()
    {
        prompts = folder.Write("prompts.txt", $"{Prompt}\ngreen pullover on blue\n");
        var encoder = Path.Combine(AppContext.BaseDirectory, "Architectures", "vae-sd15", "vae_encoder.onnx");
        Directory.CreateDirectory(Path.Combine(family.Folder, "vae_encoder"));
        File.Copy(encoder, Path.Combine(family.Folder, "vae_encoder", "model.onnx"));
    }

    public void Dispose()
    {
        family.Dispose();
        folder.Dispose();
    }

    [Theory]
    [InlineData("text_encoder", "W8A16", 30)]
    [InlineData("text_encoder", "W8A8", 20)]
    [InlineData("text_encoder", "float16", 50)]
    [InlineData("vae_decoder", "W8A16", 30)]
    [InlineData("vae_decoder", "W8A8", 20)]
    [InlineData("vae_decoder", "float16", 50)]
    [InlineData("vae_decoder", "float32", 199)]
    [InlineData("vae_encoder", "W8A8", 20)]
    public void A_part_is_made_so_and_the_pipeline_works(string part, string form, double least)
    {
        var (report, output) = Quantize((part, form));
        var made = Assert.Single(report.Parts!);
        Assert.Equal((part, form), (made.Part, made.Form));
        Assert.True(made.OutputSqnr >= least, $"{made}");
        if (form != "float32")
        {
            Assert.True(made.Bytes < made.FloatBytes, $"{made}");
        }

        Assert.Equal(new FileInfo(Path.Combine(output, part, "model.onnx")).Length, made.Bytes);
        using var pipeline = DiffusionPipeline.Load(output);
        var picture = Assert.Single(pipeline.Generate(Prompt, steps: 2));
        Assert.All(picture.Pixels, v => Assert.True(float.IsFinite(v)));
        Assert.Equal(picture.Shape, pipeline.Generate(Prompt, steps: 2, options: new() { Image = picture })[0].Shape);
    }

    [Fact]
    public void Other_parts_stay_byte_for_byte()
    {
        var (_, output) = Quantize(("text_encoder", "W8A16"));
        foreach (
            var file in new[] { "vae_decoder/model.onnx", "tokenizer/vocab.json", "scheduler/scheduler_config.json" }
        )
        {
            Assert.Equal(
                File.ReadAllBytes(Path.Combine(family.Folder, file)),
                File.ReadAllBytes(Path.Combine(output, file))
            );
        }
    }

    [Fact]
    public void External_data_of_a_part_that_is_made_anew_stays_behind()
    {
        var path = Path.Combine(family.Folder, "text_encoder", "model.onnx");
        OnnxModel.Load(path).Save(path, new() { SingleFileLimit = 0, ExternalThreshold = 0 });
        Assert.True(File.Exists(path + ".data"));
        var (_, output) = Quantize(("text_encoder", "W8A16"));
        Assert.Equal(["model.onnx"], Directory.GetFiles(Path.Combine(output, "text_encoder")).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("text_encoder_9", "W8A16", "DQ1170")]
    [InlineData("unet", "W8A16", "DQ1170")]
    [InlineData("vae_decoder", "W8", "DQ1089")]
    [InlineData("vae_decoder", "float64", "DQ1089")]
    public void What_cannot_be_is_refused(string part, string form, string code) =>
        Assert.Equal(code, Assert.Throws<DiffusionQuantException>(() => Quantize((part, form))).Code);

    [Fact]
    public void Activations_of_a_text_encoder_need_prompts()
    {
        var request = Request(("text_encoder", "W8A8"));
        var recipe = request.Recipe with { Prompts = null };
        var error = Assert.Throws<DiffusionQuantException>(() => Quantizer.Run(request with { Recipe = recipe }));
        Assert.Equal("DQ1171", error.Code);
    }

    private (QuantizationReport Report, string Output) Quantize(params (string Part, string Form)[] parts)
    {
        var request = Request(parts);
        return (Quantizer.Run(request).Report, request.OutputFolder);
    }

    private QuantizationRequest Request(params (string Part, string Form)[] parts)
    {
        var recipe = QuickRecipe.Of(prompts);
        recipe = recipe with { Parts = recipe.Parts.SetItems(parts.Select(p => KeyValuePair.Create(p.Part, p.Form))) };
        return new(family.Folder, Directory.CreateDirectory(folder.At("quantized")).FullName, recipe);
    }
}
