using System.Text.Json;
using DiffusionQuant.Diffusion.Tests;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Evaluation.Features.Clip;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Tests.Features.Clip;

/// <summary>How pictures go into a CLIP model, by what is beside it.</summary>
public sealed class ClipImagesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Without_a_file_the_numbers_are_OpenAI_s()
    {
        var settings = ClipImageSettings.Load(folder.Path, null);
        Assert.Equal(224, settings.ShortestEdge);
        Assert.Equal((224, 224), settings.Crop);
        Assert.Equal(ResizeFilter.AntialiasedBicubic, settings.Filter);
        Assert.Equal([0.48145466, 0.4578275, 0.40821073], settings.Mean);
        Assert.Equal([0.26862954, 0.26130258, 0.27577711], settings.Deviation);
        // A graph may fix another size.
        Assert.Equal((336, 336), ClipImageSettings.Load(folder.Path, (336, 336)).FinalSize);
    }

    [Theory]
    [InlineData("""{ "size": 12, "crop_size": 10 }""", 12, null, 10)]
    [InlineData("""{ "size": { "shortest_edge": 12 }, "crop_size": { "height": 10, "width": 10 } }""", 12, null, 10)]
    [InlineData("""{ "size": { "height": 12, "width": 12 }, "crop_size": 10 }""", null, 12, 10)]
    // ViT's processor: a square without a cut.
    [InlineData("""{ "size": 12, "do_center_crop": false }""", null, 12, null)]
    [InlineData("""{ "do_resize": false, "crop_size": 10 }""", null, null, 10)]
    public void Sizes_are_read_in_all_their_forms(string json, int? edge, int? exact, int? crop)
    {
        folder.Write("preprocessor_config.json", json);
        var settings = ClipImageSettings.Load(folder.Path, null);
        Assert.Equal(edge, settings.ShortestEdge);
        Assert.Equal(exact, settings.Exact?.Height);
        Assert.Equal(crop, settings.Crop?.Width);
    }

    [Theory]
    [InlineData("[", "preprocessor_config.json")]
    [InlineData("[]", "it holds no object")]
    [InlineData("""{ "resample": 0 }""", "'resample' is 3 (bicubic) or 2 (bilinear), and it says 0")]
    [InlineData("""{ "size": { "longest_edge": 9 } }""", "'size' is a number, has height and width")]
    [InlineData("""{ "crop_size": 0 }""", "'crop_size' is 1 to 4096 pixels")]
    [InlineData("""{ "image_std": [0.2, 0, 0.2] }""", "'image_std' has a number for red")]
    [InlineData("""{ "image_mean": 0.5 }""", "'image_mean' has a number for red")]
    [InlineData("""{ "do_resize": "no" }""", "'do_resize' is true or false")]
    public void What_is_not_possible_is_said(string json, string why)
    {
        folder.Write("preprocessor_config.json", json);
        var error = Assert.Throws<DiffusionQuantException>(() => ClipImageSettings.Load(folder.Path, null));
        Assert.Equal("DQ3040", error.Code);
        Assert.Contains(why, error.Message);
    }

    /// <summary>PIL computes in whole numbers, so that a pixel here and there may differ by one.</summary>
    [Fact]
    public void Pictures_are_those_of_transformers_but_for_the_last_bit()
    {
        var cases = JsonSerializer.Deserialize<Case[]>(
            File.ReadAllText(TestFiles.Reference("clip-images.json")),
            JsonSerializerOptions.Web
        )!;
        Assert.Equal(4, cases.Length);
        foreach (var c in cases)
        {
            var settings = new ClipImageSettings
            {
                ShortestEdge = c.Edge,
                Crop = (c.Crop, c.Crop),
                Scale = 1,
                Mean = [0, 0, 0],
                Deviation = [1, 1, 1],
            };
            var (pixels, _, _) = ClipImages.Prepare(TestFiles.Image(c.Height, c.Width, 3), settings);
            // PIL's are pixel after pixel, CLIP's channel after channel.
            var differences = c
                .Expected.Select((value, i) => Math.Abs(value - pixels[(i % 3 * c.Crop * c.Crop) + (i / 3)]))
                .ToArray();
            Assert.Equal(3 * c.Crop * c.Crop, differences.Length);
            Assert.True(differences.Max() <= 1, $"{c.Width}x{c.Height}: {differences.Max()}");
            Assert.True(differences.Average() < 0.01, $"{c.Width}x{c.Height}: {differences.Average()} on average");
        }
    }

    /// <summary>The longer side is cut off to whole pixels, and the middle rounded down, as in transformers.</summary>
    [Theory]
    [InlineData(16, 11, 6, 6, 8, 6, 1, 0)]
    [InlineData(11, 16, 6, 6, 6, 8, 0, 1)]
    // Smaller than the cut: a black border, the wider one to the right and below.
    [InlineData(12, 8, 4, 7, 6, 4, -1, -2)]
    public void A_picture_is_resized_and_its_middle_taken(
        int width,
        int height,
        int edge,
        int crop,
        int resizedWidth,
        int resizedHeight,
        int left,
        int top
    )
    {
        var settings = new ClipImageSettings
        {
            ShortestEdge = edge,
            Crop = (crop, crop),
            Mean = [0.1, 0.2, 0.3],
            Deviation = [0.5, 0.6, 0.7],
        };
        var bytes = new byte[3 * width * height];
        new Random(9).NextBytes(bytes);
        var (pixels, h, w) = ClipImages.Prepare(new(width, height, 3, bytes), settings);
        Assert.Equal((crop, crop), (h, w));
        var wide = Resize([.. bytes.Select(b => (float)b)], width, height, resizedWidth, height);
        var resized = Resize(wide, resizedWidth, height, resizedWidth, resizedHeight);
        for (var c = 0; c < 3; c++)
        {
            for (var y = 0; y < crop; y++)
            {
                for (var x = 0; x < crop; x++)
                {
                    var (fromX, fromY) = (x + left, y + top);
                    var isInside = fromX >= 0 && fromY >= 0 && fromX < resizedWidth && fromY < resizedHeight;
                    double value = isInside ? resized[(((fromY * resizedWidth) + fromX) * 3) + c] : 0;
                    Assert.Equal(
                        ((value / 255) - settings.Mean[c]) / settings.Deviation[c],
                        pixels[(((c * crop) + y) * crop) + x],
                        1e-5
                    );
                }
            }
        }
    }

    private static float[] Resize(float[] pixels, int width, int height, int newWidth, int newHeight) =>
        [
            .. ImageResizer
                .Resize(pixels, width, height, 3, newWidth, newHeight, ResizeFilter.AntialiasedBicubic)
                .Select(p => Math.Clamp(MathF.Floor(p + 0.5f), 0, 255)),
        ];

    private sealed record Case(int Height, int Width, int Edge, int Crop, int[] Expected);
}
