using DiffusionQuant.Diffusion;
using DiffusionQuant.Diffusion.Tests;
using DiffusionQuant.Extensions.AI;
using Microsoft.Extensions.AI;

namespace DiffusionQuant.Pipelines.Tests;

/// <summary>From a folder to a picture, through W8A8, and to a picture again.</summary>
public sealed class FamilyTests : IDisposable
{
    private const string Prompt = "a red sneaker on a yellow background";
    private const int Seed = 7;
    private const int Steps = 4;

    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> Names => Family.Names;

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Pictures_of_prompts_survive_quantization(string name)
    {
        using var family = Family.Create(name);
        var before = Generate(family.Folder, family.TakesPrompts);
        AssertIsPicture(before[0]);
        Assert.NotEqual(before[0].Pixels, before[1].Pixels);

        var (quantized, said) = await QuantizeAsync(family);
        var after = Generate(quantized, family.TakesPrompts);
        AssertIsPicture(after[0]);
        var psnr = before.Zip(after).Average(p => Psnr(p.First, p.Second));
        Assert.True(psnr > 20, $"{psnr} dB. {said}");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Code_tool_and_abstraction_make_one_picture(string name)
    {
        using var family = Family.Create(name);
        var own = Generate(family.Folder, family.TakesPrompts)[0];
        var expected = own.ToBytes();
        Assert.Equal(expected, Generate(family.Folder, family.TakesPrompts)[0].ToBytes());

        var grid = folder.At("grid.png");
        string[] prompted = family.TakesPrompts ? ["--prompt", Prompt] : [];
        await ToolRun.SucceedAsync([
            "sample",
            family.Folder,
            "-o",
            grid,
            "-n",
            "1",
            "--seed",
            $"{Seed}",
            "--steps",
            $"{Steps}",
            .. prompted,
        ]);
        own.SavePng(folder.At("own.png"));
        Assert.Equal(await File.ReadAllBytesAsync(folder.At("own.png")), await File.ReadAllBytesAsync(grid));

        if (family.TakesPrompts)
        {
            using var pipeline = DiffusionPipeline.Load(family.Folder);
            var options = new ImageGenerationOptions().WithSeed(Seed).WithSteps(Steps);
            var response = await pipeline.AsImageGenerator().GenerateImagesAsync(Prompt, options);
            var data = Assert.IsType<DataContent>(Assert.Single(response.Contents));
            Assert.Equal(await File.ReadAllBytesAsync(grid), data.Data.ToArray());
        }
    }

    private async Task<(string Folder, string Said)> QuantizeAsync(Family family)
    {
        var output = folder.At("quantized");
        var prompts = folder.Write("prompts.txt", $"{Prompt}\ngreen pullover on blue\n");
        string[] prompted = family.TakesPrompts ? ["--prompts", prompts] : [];
        var said = await ToolRun.SucceedAsync([
            "quantize",
            family.Folder,
            "-o",
            output,
            "--quantize",
            "W8A8",
            "--steps",
            $"{Steps}",
            "--calibration-samples",
            "16",
            "--no-cache",
            .. prompted,
        ]);
        string[] expected = [.. Files(family.Folder), "quantization.json"];
        Assert.Equal(expected.Order(StringComparer.Ordinal), Files(output));
        return (output, said);
    }

    private static IReadOnlyList<GeneratedImage> Generate(string folder, bool takesPrompts)
    {
        using var pipeline = DiffusionPipeline.Load(folder);
        return takesPrompts
            ? pipeline.Generate(Prompt, count: 2, seed: Seed, steps: Steps)
            : pipeline.Generate(count: 2, seed: Seed, steps: Steps);
    }

    private static string[] Files(string folder) =>
        [
            .. Directory
                .GetFiles(folder, "*", SearchOption.AllDirectories)
                .Select(f => Path.GetRelativePath(folder, f).Replace('\\', '/'))
                .Order(StringComparer.Ordinal),
        ];

    private static void AssertIsPicture(GeneratedImage image)
    {
        Assert.Equal(3, image.Channels);
        // Twice the size of the latents: the decoders have two levels.
        Assert.Equal(image.Height, image.Width);
        Assert.All(image.Pixels, v => Assert.True(float.IsFinite(v)));
        Assert.True(image.ToBytes().Distinct().Count() > 8);
    }

    private static double Psnr(GeneratedImage a, GeneratedImage b)
    {
        var error = a.ToBytes().Zip(b.ToBytes()).Average(p => Math.Pow(p.First - p.Second, 2));
        return error == 0 ? 99 : 10 * Math.Log10(255 * 255 / error);
    }
}
