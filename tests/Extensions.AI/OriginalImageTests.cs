using DiffusionQuant.Diffusion;
using Microsoft.Extensions.AI;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Metadata.Profiles.Exif;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing;

namespace DiffusionQuant.Extensions.AI.Tests;

public sealed class OriginalImageTests(Clothes clothes) : IClassFixture<Clothes>
{
    private static readonly Picture Start = MakeStart();

    [Fact]
    public async Task A_picture_is_what_sampling_starts_from()
    {
        var expected = clothes.Pipeline.Generate(
            Clothes.Prompt,
            seed: 7,
            steps: 4,
            options: new() { Image = Start, Strength = 0.5 }
        );
        var options = Clothes.Quick.WithSteps(4).WithStrength(0.5);
        var original = new DataContent(Clothes.PngOf(Start), "image/png");
        var response = await clothes.Generator.EditImageAsync(original, Clothes.Prompt, options);
        Assert.Equal(Clothes.PngOf(expected[0]), response.OnlyBytes());
        var other = await clothes.Generator.GenerateImagesAsync(Clothes.Prompt, options);
        Assert.NotEqual(other.OnlyBytes(), response.OnlyBytes());
    }

    [Theory]
    [InlineData("png")]
    [InlineData("jpg")]
    [InlineData("webp")]
    [InlineData("bmp")]
    public async Task Formats_are_told_by_content(string ending)
    {
        using var image = Image.Load<Rgb24>(Clothes.PngOf(Start));
        using var file = new MemoryStream();
        image.Save(
            file,
            Configuration.Default.ImageFormatsManager.FindFormatByFileExtension(ending) is { } f
                ? Configuration.Default.ImageFormatsManager.FindEncoder(f)
                : throw new ArgumentException(ending)
        );
        // The name and the type are wrong for three of them.
        var response = await clothes.Generator.EditImageAsync(
            file.ToArray(),
            "picture.png",
            Clothes.Prompt,
            Clothes.Quick
        );
        Assert.Single(response.Contents);
    }

    [Fact]
    public void A_picture_that_a_camera_held_askew_is_set_upright()
    {
        using var image = Image.Load<Rgb24>(Clothes.PngOf(Start));
        image.Mutate(i => i.Rotate(RotateMode.Rotate270));
        image.Metadata.ExifProfile = new();
        image.Metadata.ExifProfile.SetValue(ExifTag.Orientation, (ushort)6);
        using var file = new MemoryStream();
        image.SaveAsPng(file);
        Assert.Equal(Start.ToBytes(), OriginalPicture.Decode(file.ToArray(), new(64, 64)).ToBytes());
    }

    [Fact]
    public async Task Pictures_that_cannot_be_used()
    {
        Task<string> Refused(params AIContent[] originals) =>
            Faults.Expect("DQ1161", () => clothes.Generator.EditImagesAsync(originals, Clothes.Prompt, Clothes.Quick));

        var good = Clothes.PngOf(Start);
        var content = new DataContent(good, "image/png");
        Assert.Contains("there are 2", await Refused(content, content));
        Assert.Contains("UriContent", await Refused(new UriContent("http://localhost/a.png", "image/png")));
        await Refused(new DataContent(new byte[] { 1, 2, 3 }, "image/png"));
        await Refused(new DataContent(good.AsMemory(0, good.Length / 2), "image/png"));
        var large = new Picture(new(3, 8, 16), new float[3 * 8 * 16]);
        var message = await Refused(new DataContent(Clothes.PngOf(large), "image/png"));
        Assert.Contains("16×8", message);
        Assert.Contains("64×64", message);
        // As many pixels, but another shape.
        var wide = new Picture(new(3, 32, 128), new float[3 * 32 * 128]);
        Assert.Contains("128×32", await Refused(new DataContent(Clothes.PngOf(wide), "image/png")));
    }

    private static Picture MakeStart()
    {
        var pixels = new float[3 * 64 * 64];
        for (var i = 0; i < pixels.Length; i++)
        {
            pixels[i] = MathF.Round(MathF.Sin(i * 0.01f) * 127.5f) / 127.5f;
        }

        return Picture.FromBytes(new(3, 64, 64), new Picture(new(3, 64, 64), pixels).ToBytes());
    }
}
