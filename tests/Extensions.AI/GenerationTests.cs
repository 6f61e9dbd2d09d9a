using System.Text.Json;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx.Diagnostics;
using Microsoft.Extensions.AI;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.PixelFormats;

namespace DiffusionQuant.Extensions.AI.Tests;

public sealed class GenerationTests(Clothes clothes) : IClassFixture<Clothes>
{
    private IImageGenerator Generator => clothes.Generator;

    [Fact]
    public async Task The_pictures_are_the_pipelines_own()
    {
        var expected = clothes.Pipeline.Generate(Clothes.Prompt, count: 2, seed: 7, steps: 2);
        var options = Clothes.Quick;
        options.Count = 2;
        var response = await Generator.GenerateImagesAsync(Clothes.Prompt, options);
        Assert.Equal(expected.Select(Clothes.PngOf), response.Pictures().Select(p => p.Bytes()));
        Assert.All(response.Pictures(), p => Assert.Equal("image/png", p.MediaType));
        Assert.All(response.Pictures(), p => Assert.Equal(7ul, p.GetSeed()));
        Assert.Equal([0, 1], response.Pictures().Select(p => p.AdditionalProperties![DiffusionImageProperties.Index]));
        var images = Assert.IsAssignableFrom<IReadOnlyList<GeneratedImage>>(response.RawRepresentation);
        Assert.Equal(images, response.Pictures().Select(p => p.RawRepresentation));
        Assert.Equal(Clothes.Prompt, images[0].Prompt);
    }

    [Fact]
    public async Task All_settings_reach_the_pipeline()
    {
        var expected = clothes.Pipeline.Generate(
            Clothes.Prompt,
            seed: 3,
            steps: 3,
            options: new()
            {
                GuidanceScale = 2.5,
                NegativePrompt = "blue",
                Sampler = new() { Kind = SolverKind.Find("euler") },
            }
        );
        var options = new ImageGenerationOptions()
            .WithSeed(3)
            .WithSteps(3)
            .WithGuidanceScale(2.5)
            .WithNegativePrompt("blue")
            .WithSampler(SolverKind.Find("euler")!);
        var response = await Generator.GenerateImagesAsync(Clothes.Prompt, options);
        Assert.Equal(Clothes.PngOf(expected[0]), response.OnlyBytes());
    }

    [Fact]
    public async Task Settings_may_come_out_of_json()
    {
        var options = Clothes.Quick.WithGuidanceScale(2.5);
        var json = JsonSerializer.Serialize(options, AIJsonUtilities.DefaultOptions);
        var read = JsonSerializer.Deserialize<ImageGenerationOptions>(json, AIJsonUtilities.DefaultOptions)!;
        Assert.IsType<JsonElement>(read.AdditionalProperties![DiffusionImageProperties.Seed]);
        var expected = await Generator.GenerateImagesAsync(Clothes.Prompt, options);
        var response = await Generator.GenerateImagesAsync(Clothes.Prompt, read);
        Assert.Equal(expected.OnlyBytes(), response.OnlyBytes());
    }

    [Theory]
    [InlineData(7ul)]
    [InlineData(ulong.MaxValue)]
    public async Task A_response_goes_through_json(ulong seed)
    {
        var response = await Generator.GenerateImagesAsync(Clothes.Prompt, Clothes.Quick.WithSeed(seed).WithSteps(1));
        var json = JsonSerializer.Serialize(response, AIJsonUtilities.DefaultOptions);
        var read = JsonSerializer.Deserialize<ImageGenerationResponse>(json, AIJsonUtilities.DefaultOptions)!;
        Assert.Equal(response.OnlyBytes(), read.OnlyBytes());
        Assert.Equal(seed, read.Contents[0].GetSeed());
    }

    [Fact]
    public async Task A_seed_is_drawn_and_makes_the_picture_again()
    {
        var options = new ImageGenerationOptions().WithSteps(1);
        var first = await Generator.GenerateImagesAsync(Clothes.Prompt, options);
        var second = await Generator.GenerateImagesAsync(Clothes.Prompt, options);
        var seed = first.Contents[0].GetSeed()!.Value;
        Assert.NotEqual(seed, second.Contents[0].GetSeed());
        Assert.NotEqual(first.OnlyBytes(), second.OnlyBytes());
        var again = await Generator.GenerateImagesAsync(Clothes.Prompt, options.WithSeed(seed));
        Assert.Equal(first.OnlyBytes(), again.OnlyBytes());
    }

    [Theory]
    [InlineData("image/jpeg")]
    [InlineData("image/webp")]
    [InlineData("IMAGE/BMP")]
    public async Task Other_formats(string mediaType)
    {
        var png = await Generator.GenerateImagesAsync(Clothes.Prompt, Clothes.Quick);
        var options = Clothes.Quick;
        options.MediaType = mediaType;
        var response = await Generator.GenerateImagesAsync(Clothes.Prompt, options);
        Assert.Equal(mediaType.ToLowerInvariant(), response.Pictures()[0].MediaType);
        using var expected = Image.Load<Rgb24>(png.OnlyBytes());
        using var actual = Image.Load<Rgb24>(response.OnlyBytes(), out var format);
        Assert.Equal(mediaType.ToLowerInvariant(), format.DefaultMimeType);
        Assert.Equal(expected.Size(), actual.Size());
        var (wanted, got) = (new byte[64 * 64 * 3], new byte[64 * 64 * 3]);
        expected.CopyPixelDataTo(wanted);
        actual.CopyPixelDataTo(got);
        Assert.InRange(wanted.Zip(got).Average(p => Math.Abs(p.First - p.Second)), 0, 12);
    }

    [Fact]
    public async Task What_the_model_makes_may_be_asked_for()
    {
        var options = Clothes.Quick;
        options.ImageSize = new(64, 64);
        options.ModelId = "sd-clothes";
        options.Count = 1;
        Assert.Single((await Generator.GenerateImagesAsync(Clothes.Prompt, options)).Contents);
    }

    [Fact]
    public async Task Another_size_is_made()
    {
        var options = Clothes.Quick;
        options.ImageSize = new(96, 48);
        var response = await Generator.GenerateImagesAsync(Clothes.Prompt, options);
        using var image = Image.Load<Rgb24>(response.OnlyBytes());
        Assert.Equal(new(96, 48), image.Size());
    }

    [Fact]
    public async Task A_size_that_cannot_be_is_refused_before_anything_is_made()
    {
        using var pipeline = DiffusionPipeline.Load(Repository.Clothes);
        using var generator = pipeline.AsImageGenerator();
        var reports = 0;
        var options = Clothes.Quick.WithProgress(new Immediate<GenerationProgress>(_ => reports++));
        options.ImageSize = new(65, 64);
        var message = await Faults.Expect("DQ1058", () => generator.GenerateImagesAsync(Clothes.Prompt, options));
        Assert.Contains("65×64", message);
        Assert.Contains("multiples of 4", message);
        Assert.Equal(0, reports);
    }

    /// <summary>The abstraction lets generators ignore formats that they do not have.</summary>
    [Theory]
    [InlineData(ImageGenerationResponseFormat.Uri)]
    [InlineData(ImageGenerationResponseFormat.Data)]
    [InlineData(ImageGenerationResponseFormat.Hosted)]
    public async Task Pictures_come_as_data_whatever_is_asked_for(ImageGenerationResponseFormat format)
    {
        var options = Clothes.Quick;
        options.ResponseFormat = format;
        var response = await Generator.GenerateImagesAsync(Clothes.Prompt, options);
        Assert.StartsWith("data:image/png;base64,", Assert.Single(response.Pictures()).Uri);
    }

    [Theory]
    [InlineData("seed", -1, "whole number from 0")]
    [InlineData("seed", "many", "whole number from 0")]
    [InlineData("steps", 2.5, "whole number")]
    [InlineData("guidance_scale", "high", "number")]
    [InlineData("strength", "low", "number")]
    [InlineData("sampler", "euler-ancestrl", "did you mean euler-ancestral")]
    [InlineData("sampler", "magic", "ddim, ddpm")]
    [InlineData("progress", 1, "IProgress")]
    public async Task Values_that_are_none(string name, object value, string expected)
    {
        var options = new ImageGenerationOptions { AdditionalProperties = new() { [name] = value } };
        var message = await Faults.Expect("DQ1160", () => Generator.GenerateImagesAsync(Clothes.Prompt, options));
        Assert.Contains(name, message);
        Assert.Contains(expected, message);
    }

    [Fact]
    public async Task Options_that_are_not_supported()
    {
        async Task Refused(string name, ImageGenerationOptions options) =>
            Assert.Contains(
                name,
                await Faults.Expect("DQ1160", () => Generator.GenerateImagesAsync(Clothes.Prompt, options))
            );

        await Refused("image/png, image/jpeg", new() { MediaType = "image/tiff" });
        await Refused("sd-clothes", new() { ModelId = "dall-e-3" });
        await Refused("Count", new() { Count = 0 });
        // What the pipeline itself finds wrong stays as it is.
        await Faults.Expect(
            "DQ1049",
            () => Generator.GenerateImagesAsync(Clothes.Prompt, new ImageGenerationOptions().WithSteps(0))
        );
        await Assert.ThrowsAsync<ArgumentNullException>(() => Generator.GenerateAsync(null!));
    }

    [Fact]
    public async Task Progress_is_told()
    {
        var reports = new List<GenerationProgress>();
        var options = Clothes
            .Quick.WithSampler(SolverKind.Find("ddim")!)
            .WithProgress(new Immediate<GenerationProgress>(reports.Add));
        // Middleware works on clones.
        await Generator.GenerateImagesAsync(Clothes.Prompt, options.Clone());
        Assert.Equal([new(0, 1, 1, 2), new(1, 1, 2, 2)], reports);
    }

    [Fact]
    public async Task Each_request_is_told_of_its_own_warnings()
    {
        var (all, own) = (new List<DiffusionQuantException>(), new List<DiffusionQuantException>());
        using var pipeline = DiffusionPipeline.Load(Repository.Clothes);
        using var generator = pipeline.AsImageGenerator(options: new() { Warn = all.Add });
        var tooLong = string.Join(' ', Enumerable.Repeat("red", 100));
        var quick = new ImageGenerationOptions().WithSteps(1);
        await generator.GenerateImagesAsync(tooLong, quick.Clone().WithWarnings(own.Add));
        Assert.Equal("DQ1068", Assert.Single(own).Code);
        Assert.Empty(all);
        // Without a listener of its own the generator's is told, and the last request's is not any more.
        await generator.GenerateImagesAsync(tooLong, quick);
        Assert.Single(all);
        Assert.Single(own);
        quick.AdditionalProperties![DiffusionImageProperties.Warnings] = "all";
        await Faults.Expect("DQ1160", () => generator.GenerateImagesAsync(tooLong, quick));
    }

    [Fact]
    public async Task The_pipelines_own_options_go_before_properties()
    {
        var raw = new GenerationOptions
        {
            GuidanceScale = 1.5,
            FirstImage = 4,
            Sampler = new() { Steps = 2 },
        };
        var options = new ImageGenerationOptions()
            .WithSeed(7)
            .WithSteps(1)
            .WithGuidanceScale(9)
            .WithNegativePrompt("blue");
        options.RawRepresentationFactory = g =>
        {
            Assert.Same(Generator, g);
            return raw;
        };
        var response = await Generator.GenerateImagesAsync(Clothes.Prompt, options);
        var expected = clothes.Pipeline.Generate(
            Clothes.Prompt,
            seed: 7,
            options: raw with
            {
                NegativePrompt = "blue",
            }
        );
        Assert.Equal(Clothes.PngOf(expected[0]), response.OnlyBytes());
        Assert.Equal(4, response.Contents[0].AdditionalProperties![DiffusionImageProperties.Index]);
    }

    [Fact]
    public async Task Defaults_hold_where_a_request_says_nothing()
    {
        var own = new GenerationOptions
        {
            GuidanceScale = 2,
            Sampler = new() { Steps = 1 },
        };
        using var generator = clothes.Pipeline.AsImageGenerator(options: new() { Generation = own });
        var seeded = new ImageGenerationOptions().WithSeed(7);
        var response = await generator.GenerateImagesAsync(Clothes.Prompt, seeded);
        var expected = clothes.Pipeline.Generate(Clothes.Prompt, seed: 7, options: own);
        Assert.Equal(Clothes.PngOf(expected[0]), response.OnlyBytes());

        var other = await generator.GenerateImagesAsync(Clothes.Prompt, seeded.WithSteps(2).WithGuidanceScale(3));
        expected = clothes.Pipeline.Generate(
            Clothes.Prompt,
            seed: 7,
            steps: 2,
            options: own with
            {
                GuidanceScale = 3,
            }
        );
        Assert.Equal(Clothes.PngOf(expected[0]), other.OnlyBytes());
    }

    [Fact]
    public async Task A_model_without_prompts()
    {
        using var pipeline = DiffusionPipeline.Load(Repository.Fashion);
        using var generator = pipeline.AsImageGenerator();
        var expected = Clothes.PngOf(pipeline.Generate(1, seed: 7, steps: 2)[0]);
        Assert.Equal(expected, (await generator.GenerateAsync(new(), Clothes.Quick)).OnlyBytes());
        Assert.Equal(expected, (await generator.GenerateImagesAsync("", Clothes.Quick)).OnlyBytes());
        await Faults.Expect("DQ1067", () => generator.GenerateImagesAsync(Clothes.Prompt, Clothes.Quick));
        var jpeg = Clothes.Quick;
        jpeg.MediaType = "image/jpeg";
        using var gray = Image.Load((await generator.GenerateImagesAsync("", jpeg)).OnlyBytes());
        Assert.Equal(JpegColorType.Luminance, gray.Metadata.GetJpegMetadata().ColorType);
    }
}
