using DiffusionQuant.Evaluation.Features;

namespace DiffusionQuant.Evaluation.Tests.Features;

public sealed class ExtractorIdentityTests
{
    private static string Hash(ExtractorSettings? settings = null, Onnx.OnnxModel? model = null) =>
        ExtractorHash.Of(model ?? TinyExtractor.Model(), settings ?? TinyExtractor.Settings);

    [Fact]
    public void Names_do_not_count()
    {
        Assert.Equal(
            Hash(),
            Hash(
                TinyExtractor.Settings with
                {
                    Name = "other",
                    Model = "other.onnx",
                    Input = "x",
                    Features = "y",
                    SourceSha256 = "s",
                    WeightsSha256 = "w",
                },
                TinyExtractor.Model(input: "x", output: "y", constant: "z")
            )
        );
        Assert.Equal(
            ExtractorHash.OfWeights(TinyExtractor.Model()),
            ExtractorHash.OfWeights(TinyExtractor.Model(constant: "z"))
        );
    }

    [Fact]
    public void Whatever_changes_a_feature_counts()
    {
        var s = TinyExtractor.Settings;
        string[] hashes =
        [
            Hash(),
            Hash(s with { Low = -1 }),
            Hash(s with { High = 254 }),
            Hash(s with { Mean = [0, 0, 1] }),
            Hash(s with { Deviation = [1, 1, 2] }),
            Hash(s with { Resize = ResizeFilter.Tf1Bilinear }),
            Hash(s with { RoundAfterResize = true }),
            Hash(s with { Layout = ImageLayout.Nhwc }),
            Hash(s with { Width = 5 }),
            Hash(s with { Spatial = null }),
            Hash(s with { SpatialChannels = 1 }),
            Hash(s with { Features = "map" }),
            Hash(model: TinyExtractor.Model(weight: 3)),
            Hash(model: Changed(m => m.Graph.Nodes[0].OpType = "Add")),
            Hash(model: Changed(m => m.Graph.Nodes[1].Attributes["keepdims"] = 1)),
            Hash(model: Changed(m => m.Graph.Nodes[1].Inputs[0] = "image")),
            Hash(model: Changed(m => m.Opset = 13)),
        ];
        Assert.Equal(hashes.Length, hashes.Distinct().Count());

        static Onnx.OnnxModel Changed(Action<Onnx.OnnxModel> change)
        {
            var model = TinyExtractor.Model();
            change(model);
            return model;
        }
    }

    [Fact]
    public void The_standard_network_is_recognised_by_weights_and_preprocessing()
    {
        const string Weights = "abc";
        var standard = TinyExtractor.Settings with
        {
            Width = 299,
            Height = 299,
            Low = -1,
            High = 127.0 / 128,
            Resize = ResizeFilter.Tf1Bilinear,
            SourceSha256 = StandardInception.CheckpointSha256,
            WeightsSha256 = Weights,
        };
        Assert.True(StandardInception.Recognises(standard, Weights, 2048));
        Assert.True(StandardInception.Recognises(standard with { High = 1 }, Weights, 2048));
        Assert.False(StandardInception.Recognises(standard, "other weights", 2048));
        Assert.False(StandardInception.Recognises(standard, Weights, 64));
        ExtractorSettings[] others =
        [
            standard with
            {
                SourceSha256 = null,
            },
            standard with
            {
                SourceSha256 = "6726825d" + new string('0', 56),
            },
            standard with
            {
                WeightsSha256 = null,
            },
            standard with
            {
                Resize = ResizeFilter.AntialiasedBicubic,
            },
            standard with
            {
                RoundAfterResize = true,
            },
            standard with
            {
                Width = 256,
            },
            standard with
            {
                High = 0.5,
            },
            standard with
            {
                Mean = [0, 0, 0],
            },
        ];
        Assert.All(others, o => Assert.False(StandardInception.Recognises(o, Weights, 2048)));
    }

    [Fact]
    public void Only_the_standard_network_is_called_fid()
    {
        using var extractor = FeatureExtractor.Load(FeatureExtractor.DefaultName);
        Assert.Equal("FID[fashion-resnet20]", extractor.Identity.Label("FID"));
        Assert.Matches("^[0-9a-f]{64}$", extractor.Identity.Sha256);
    }

    [Fact]
    public void Settings_survive_their_file()
    {
        using var files = new TestFiles();
        var settings = TinyExtractor.Settings with { Mean = [0.1, 0.2, 0.3], Deviation = [1, 2, 3] };
        settings.Save(files.At("extractor.json"));
        Assert.Equal(settings.ToJson(), ExtractorSettings.Load(files.At("extractor.json")).ToJson());
        Assert.Contains("\"resize\": \"antialiased-bilinear\"", settings.ToJson(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"nmae\": 1, BASE}")]
    [InlineData("{BASE, \"channels\": 2}")]
    [InlineData("{BASE, \"width\": 0}")]
    [InlineData("{BASE, \"low\": 1, \"high\": 1}")]
    [InlineData("{BASE, \"mean\": [1, 2]}")]
    [InlineData("{BASE, \"deviation\": [0]}")]
    [InlineData("{BASE, \"resize\": \"lanczos\"}")]
    [InlineData("{BASE, \"resize\": 1}")]
    public void Files_that_describe_no_extractor(string json)
    {
        const string Base =
            "\"name\": \"a\", \"input\": \"x\", \"features\": \"y\", \"width\": 4, \"height\": 4, \"channels\": 1";
        ExtractorSettings.Parse($"{{{Base}}}", "good");
        TestFiles.Expect("DQ3021", () => ExtractorSettings.Parse(json.Replace("BASE", Base), "bad"));
    }
}
