using DiffusionQuant.Diffusion.Tests;
using DiffusionQuant.Diffusion.Tests.Text;
using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation.Features.Clip;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Tests.Features.Clip;

public sealed class ClipModelTests : IDisposable
{
    private const int Size = 8;
    private static readonly double[] Mean = [0.48145466, 0.4578275, 0.40821073];
    private static readonly double[] Deviation = [0.26862954, 0.26130258, 0.27577711];
    private static readonly int[] Prompt = [602, 320, 549, 584, 521, 320, 535, 520, 603];
    private readonly TemporaryFolder folder = new();
    private int folders;

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(false, false, ElementType.Int64, null)]
    [InlineData(false, true, ElementType.Int64, ElementType.Int64)]
    [InlineData(true, false, ElementType.Int32, null)]
    [InlineData(true, true, ElementType.Int32, ElementType.Int32)]
    public void A_score_is_the_cosine_of_both_embeddings(bool inTwo, bool below, ElementType ids, ElementType? mask)
    {
        var clip = new TinyClip
        {
            Size = Size,
            IdsType = ids,
            MaskType = mask,
        };
        var image = Picture(3);
        var score = Score(clip.Save(NewFolder(), inTwo, below), TextFixture.Prompt, image);
        Assert.Equal(clip.Score(Prompt, Planes(image)), score, 1e-4);
        Assert.InRange(score, 1, 99);
    }

    /// <summary>What fills a text up counts only where the graph asks for no mask.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData(ElementType.Int64)]
    public void A_graph_may_fix_batch_and_length(ElementType? mask)
    {
        var clip = new TinyClip
        {
            Size = Size,
            MaskType = mask,
            Batch = 2,
            Length = 77,
            FixesSize = false,
        };
        var image = Picture(3);
        int[] tokens = mask is null ? [.. Prompt, .. Enumerable.Repeat(603, 77 - Prompt.Length)] : Prompt;
        Assert.Equal(clip.Score(tokens, Planes(image)), Score(clip.Save(NewFolder()), TextFixture.Prompt, image), 1e-4);
    }

    [Fact]
    public void A_text_of_more_tokens_is_cut_and_ends_all_the_same()
    {
        var clip = new TinyClip { Size = Size };
        var image = Picture(3);
        int[] tokens = [602, .. Enumerable.Repeat(320, 75), 603];
        var words = string.Join(' ', Enumerable.Repeat("a", 100));
        Assert.Equal(clip.Score(tokens, Planes(image)), Score(clip.Save(NewFolder()), words, image), 1e-4);
    }

    [Fact]
    public void A_gray_picture_has_three_equal_channels()
    {
        var clip = new TinyClip { Size = Size };
        var image = Picture(1);
        Assert.Equal(
            clip.Score(Prompt, Planes(image.ToRgb())),
            Score(clip.Save(NewFolder()), TextFixture.Prompt, image),
            1e-4
        );
    }

    [Fact]
    public void A_picture_of_something_else_has_no_less_than_nothing()
    {
        var clip = new TinyClip { Size = Size, Sign = -1 };
        Assert.Equal(0, Score(clip.Save(NewFolder()), TextFixture.Prompt, Picture(3)));
    }

    [Fact]
    public void What_changes_a_score_is_another_model()
    {
        var clip = new TinyClip { Size = Size };
        var at = clip.Save(NewFolder());
        var plain = ClipModel.Load(at).Identity;
        Assert.Equal(Path.GetFileName(at), plain.Name);
        Assert.Equal(plain.Sha256, Load(clip).Identity.Sha256);
        Assert.NotEqual(plain.Sha256, Load(clip with { Seed = 2 }).Identity.Sha256);
        Assert.NotEqual(plain.Sha256, Load(clip, "merges.txt", text => text + "\n").Identity.Sha256);
        Assert.NotEqual(
            plain.Sha256,
            Load(clip, "preprocessor_config.json", text => text.Replace('3', '2')).Identity.Sha256
        );

        // What it says is what holds without it.
        File.Delete(Path.Combine(at, "preprocessor_config.json"));
        Assert.Equal(plain, ClipModel.Load(at).Identity);
    }

    [Fact]
    public void All_files_that_count_or_would_count_are_named()
    {
        var at = new TinyClip { Size = Size }.Save(NewFolder());
        string[] expected =
        [
            "model.onnx",
            "onnx/text_model.onnx",
            "onnx/vision_model.onnx",
            "vocab.json",
            "merges.txt",
            "tokenizer_config.json",
            "preprocessor_config.json",
        ];
        var files = ClipModel.Load(at).Files;
        Assert.All(expected, f => Assert.Contains(Path.Combine(at, f), files));
    }

    [Fact]
    public void Folders_without_a_model_are_refused()
    {
        var at = NewFolder();
        Refused("DQ3038", Path.Combine(at, "none"), "there is no such folder");
        Refused("DQ3038", at, "it holds none of these files");
        Refused("DQ3038", folder.Write("clip.onnx", ""), "it is a file");
        new TinyClip { Size = Size }.Save(at, inTwo: true);
        File.Delete(Path.Combine(at, "vision_model.onnx"));
        Refused("DQ3038", at, "vision_model.onnx is missing");
    }

    [Fact]
    public void Networks_that_give_no_embeddings_are_refused()
    {
        var clip = new TinyClip { Size = Size };
        Refused("DQ3039", (clip with { TextOutput = "pooled" }).Save(NewFolder()), "no output 'text_embeds'");
        Refused("DQ3039", (clip with { ImageOutput = "pooled" }).Save(NewFolder(), true), "no output 'image_embeds'");

        // Two networks of different models.
        var at = clip.Save(NewFolder(), inTwo: true);
        (clip with { Width = 7 }).Save(NewFolder(), inTwo: true);
        File.Copy(
            Path.Combine(folder.Path, $"{folders}", "text_model.onnx"),
            Path.Combine(at, "text_model.onnx"),
            overwrite: true
        );
        Refused("DQ3039", at, "6 numbers, and those of texts 7");

        at = clip.Save(NewFolder(), inTwo: true);
        File.Copy(Path.Combine(at, "vision_model.onnx"), Path.Combine(at, "text_model.onnx"), overwrite: true);
        Refused("DQ3039", at, "no input takes token ids");

        at = clip.Save(NewFolder());
        File.WriteAllText(Path.Combine(at, "preprocessor_config.json"), """{ "crop_size": 10 }""");
        Refused("DQ3039", at, "have 8x8 pixels, and preprocessor_config.json makes 10x10");
    }

    [Fact]
    public void A_tokenizer_of_another_model_is_refused()
    {
        var clip = new TinyClip { Size = Size };
        Refused("DQ1063", (clip with { Rows = 300 }).Save(NewFolder()), "604 tokens");
        var at = clip.Save(NewFolder());
        File.Delete(Path.Combine(at, "merges.txt"));
        Refused("DQ1061", at, "merges.txt is missing");
    }

    [Fact]
    public void An_embedding_without_direction_has_no_score()
    {
        var at = new TinyClip { Size = Size, Sign = 0 }.Save(NewFolder());
        var error = Assert.Throws<DiffusionQuantException>(() => Score(at, TextFixture.Prompt, Picture(3)));
        Assert.Equal("DQ3041", error.Code);
        Assert.Contains("all of its numbers are 0", error.Message);
    }

    private static void Refused(string code, string at, string why)
    {
        var error = Assert.Throws<DiffusionQuantException>(() => ClipModel.Load(at));
        Assert.Equal(code, error.Code);
        Assert.Contains(why, error.Message);
    }

    private ClipModel Load(TinyClip clip, string? file = null, Func<string, string>? change = null)
    {
        var at = clip.Save(NewFolder());
        if (file is not null)
        {
            File.WriteAllText(Path.Combine(at, file), change!(File.ReadAllText(Path.Combine(at, file))));
        }

        return ClipModel.Load(at);
    }

    private string NewFolder() => Directory.CreateDirectory(Path.Combine(folder.Path, $"{++folders}")).FullName;

    private static double Score(string at, string prompt, RasterImage image)
    {
        using var scorer = new ClipScorer(ClipModel.Load(at), SessionSettings.Default with { Threads = 1 });
        return scorer.Score(prompt, image, CancellationToken.None);
    }

    private static RasterImage Picture(int channels)
    {
        var pixels = new byte[Size * Size * channels];
        new Random(7).NextBytes(pixels);
        return new(Size, Size, channels, pixels);
    }

    /// <summary>Channel after channel, as CLIP takes them.</summary>
    private static double[] Planes(RasterImage image) =>
        [
            .. Enumerable
                .Range(0, 3)
                .SelectMany(c =>
                    Enumerable
                        .Range(0, Size * Size)
                        .Select(i => ((image.Pixels[(3 * i) + c] / 255.0) - Mean[c]) / Deviation[c])
                ),
        ];
}
