using System.Text.Json;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Tests.Features;

public sealed class FeatureExtractorTests : IDisposable
{
    private readonly TestFiles files = new();

    [Fact]
    public void The_embedded_one_gives_what_pytorch_gives()
    {
        using var extractor = FeatureExtractor.Load(FeatureExtractor.DefaultName);
        Assert.Equal((64, 10, null), (extractor.Dimensions, extractor.Classes, extractor.SpatialDimensions));
        var batch = extractor.Extract([.. Enumerable.Range(0, 3).Select(i => TestFiles.Image(32, 32, 1, 5 * i))]);
        using var expected = JsonDocument.Parse(File.ReadAllText(TestFiles.Reference("resnet.json")));
        Close(expected.RootElement.GetProperty("features"), batch.Features);
        Close(expected.RootElement.GetProperty("logits"), batch.Logits!);

        static void Close(JsonElement expected, float[] actual)
        {
            Assert.Equal(expected.GetArrayLength(), actual.Length);
            Assert.All(expected.EnumerateArray().Zip(actual), p => Assert.Equal(p.First.GetDouble(), p.Second, 2e-4));
        }
    }

    [Fact]
    public void An_images_features_do_not_depend_on_its_neighbours()
    {
        using var extractor = FeatureExtractor.Load(FeatureExtractor.DefaultName);
        var images = Enumerable.Range(0, 70).Select(i => TestFiles.Image(32, 32, 1, i % 32)).ToArray();
        var all = extractor.Extract(images);
        foreach (var (first, count) in new[] { (0, 1), (1, 3), (32, 32), (69, 1), (5, 50) })
        {
            var part = extractor.Extract(images[first..(first + count)]);
            Assert.Equal(all.Features.AsSpan(first * 64, count * 64).ToArray(), part.Features);
            Assert.Equal(all.Logits.AsSpan(first * 10, count * 10).ToArray(), part.Logits);
        }
    }

    [Fact]
    public void A_folder_with_a_feature_map()
    {
        using var extractor = Load(TinyExtractor.Settings);
        Assert.Equal((3, null, 32), (extractor.Dimensions, extractor.Classes, extractor.SpatialDimensions));
        var image = TestFiles.Image(4, 4, 3);
        var batch = extractor.Extract([image]);
        for (var c = 0; c < 3; c++)
        {
            var mean = image.Pixels.Where((_, i) => i % 3 == c).Average(p => (double)p);
            Assert.Equal(2 * mean, batch.Features[c], 1e-3);
        }

        // The first two channels, pixel by pixel.
        Assert.Equal(image.Pixels.Where((_, i) => i % 3 < 2).Select(p => 2f * p), batch.Spatial!);
    }

    [Fact]
    public void Value_ranges_and_statistics_per_channel()
    {
        var black = new RasterImage(4, 4, 3, new byte[48]);
        var white = new RasterImage(4, 4, 3, [.. Enumerable.Repeat(byte.MaxValue, 48)]);
        using var tf = Load(TinyExtractor.Settings with { Low = -1, High = 127.0 / 128 });
        Assert.Equal([-2, -2, -2, 2 * 127f / 128, 2 * 127f / 128, 2 * 127f / 128], tf.Extract([black, white]).Features);
        using var imageNet = Load(
            TinyExtractor.Settings with
            {
                Low = 0,
                High = 1,
                Mean = [0.5, 0.25, 0],
                Deviation = [0.5, 0.25, 2],
            },
            "net"
        );
        Assert.Equal([-2, -2, 0, 2, 6, 1], imageNet.Extract([black, white]).Features);
    }

    [Fact]
    public void Gray_images_are_repeated_and_colours_are_not_dropped()
    {
        using var extractor = Load(TinyExtractor.Settings);
        var gray = TestFiles.Image(4, 4, 1);
        var features = extractor.Extract([gray]).Features;
        Assert.Equal([features[0], features[0], features[0]], features);
        Assert.Equal(2 * gray.Pixels.Average(p => (double)p), features[0], 1e-3);
        using var forGray = FeatureExtractor.Load(FeatureExtractor.DefaultName);
        // As lossy formats store gray: off by a level, where an image with colours is off by more.
        var tinted = TestFiles.Image(32, 32, 1).ToRgb();
        tinted.Pixels[0] ^= 1;
        Assert.Equal(
            forGray.Extract([tinted.ToGray()!]).Features,
            forGray.Extract([tinted with { Source = "tinted.webp" }]).Features
        );
        var coloured = TestFiles.Image(32, 32, 3) with { Source = "set/coloured.jpg" };
        var error = Assert.Throws<Onnx.Diagnostics.DiffusionQuantException>(() => forGray.Extract([tinted, coloured]));
        Assert.Equal("DQ3024", error.Code);
        Assert.Contains("set/coloured.jpg", error.Message);
        TestFiles.Expect("DQ3024", () => forGray.Extract([TestFiles.Image(28, 28, 1)]));
        TestFiles.Expect("DQ3024", () => forGray.Extract([new(32, 32, 1, new byte[5])]));
    }

    [Fact]
    public void Images_of_any_size_are_resized_and_rounded_where_asked()
    {
        var image = TestFiles.Image(9, 7, 3);
        using var exact = Load(TinyExtractor.Settings);
        using var rounded = Load(TinyExtractor.Settings with { RoundAfterResize = true }, "rounded");
        var map = exact.Extract([image]).Spatial!;
        var whole = rounded.Extract([image]).Spatial!;
        Assert.Contains(map, v => v / 2 != MathF.Round(v / 2));
        Assert.All(map.Zip(whole), p => Assert.Equal(2 * MathF.Round(p.First / 2), p.Second));
    }

    [Fact]
    public void A_network_with_a_fixed_batch()
    {
        using var extractor = Load(TinyExtractor.Settings, model: TinyExtractor.Model(batch: 4));
        using var free = Load(TinyExtractor.Settings, "free");
        var images = Enumerable.Range(0, 6).Select(i => TestFiles.Image(4, 4, 3, i)).ToArray();
        Assert.Equal(free.Extract(images).Spatial, extractor.Extract(images).Spatial);
        Assert.Equal(extractor.Identity.Name, free.Identity.Name);
    }

    [Fact]
    public void A_bare_network_describes_itself()
    {
        TinyExtractor.Model(channels: 1, input: "x").Save(files.At("bare.onnx"));
        using var extractor = FeatureExtractor.Load(files.At("bare.onnx"));
        Assert.Equal(
            ("bare", "x", 4, 4, 1),
            (
                extractor.Identity.Name,
                extractor.Settings.Input,
                extractor.Settings.Width,
                extractor.Settings.Height,
                extractor.Settings.Channels
            )
        );
        Assert.Equal([2f], extractor.Extract([new(8, 8, 1, [.. Enumerable.Repeat(byte.MaxValue, 64)])]).Features);
    }

    [Fact]
    public void What_does_not_fit_together()
    {
        TestFiles.Expect("DQ3020", () => FeatureExtractor.Load("no-such"));
        TestFiles.Expect("DQ3020", () => FeatureExtractor.Load(files.Path));
        TestFiles.Expect("DQ3022", () => Load(TinyExtractor.Settings with { Input = "other" }));
        TestFiles.Expect("DQ3022", () => Load(TinyExtractor.Settings with { Width = 5 }));
        TestFiles.Expect("DQ3022", () => Load(TinyExtractor.Settings with { Features = "other" }));
        TestFiles.Expect("DQ3022", () => Load(TinyExtractor.Settings with { Features = "map" }));
        TestFiles.Expect("DQ3022", () => Load(TinyExtractor.Settings with { Spatial = "features" }));
        TestFiles.Expect("DQ3022", () => Load(TinyExtractor.Settings with { SpatialChannels = 4 }));
        TestFiles.Expect("DQ3021", () => Load(TinyExtractor.Settings with { Model = "absent.onnx" }));
        TestFiles.Expect("DQ3023", () => Load(TinyExtractor.Settings with { WeightsSha256 = new string('0', 64) }));
        using var infinite = Load(TinyExtractor.Settings, model: TinyExtractor.Model(weight: float.PositiveInfinity));
        TestFiles.Expect("DQ3025", () => infinite.Extract([TestFiles.Image(4, 4, 3)]));
    }

    public void Dispose() => files.Dispose();

    private FeatureExtractor Load(ExtractorSettings settings, string name = "tiny", OnnxModel? model = null) =>
        FeatureExtractor.Load(TinyExtractor.Write(files, settings, model, name));
}
