namespace DiffusionQuant.Diffusion.Tests.Models;

/// <summary>Which files of a folder are a pipeline's other parts.</summary>
public sealed class ModelLayoutTests : IDisposable
{
    private static readonly string[] Parts =
    [
        "LICENSE",
        "model_index.json",
        "scheduler/scheduler_config.json",
        "text_encoder/config.json",
        "text_encoder/model.onnx",
        "text_encoder/weights.bin",
        "text_encoder_2/model.onnx",
        "tokenizer/merges.txt",
        "tokenizer/vocab.json",
        "vae_decoder/model.onnx",
        "vae_decoder/model.onnx.data",
    ];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("unet")]
    [InlineData("transformer")]
    public void Networks_tokenizers_and_settings_are_parts(string denoiser)
    {
        Write([
            $"{denoiser}/model.onnx",
            $"{denoiser}/config.json",
            .. Parts,
            ".gitattributes",
            "notes/model.onnx",
            "text_encoder/.cache",
            "text_encoder/model.safetensors",
            "text_encoder/pytorch_model.bin",
            "vae/diffusion_pytorch_model-00001-of-00002.bin",
            "sd-v1.ckpt",
        ]);
        var layout = ModelLayout.Find(folder.Path);
        Assert.Equal(denoiser, layout.DenoiserFolder);
        Assert.Equal(Parts, layout.FindOtherFiles());
    }

    [Fact]
    public void A_tokenizer_beside_the_parts_belongs_to_them()
    {
        Write(["unet/model.onnx", "text_encoder/model.onnx", "vocab.json", "merges.txt", "tokenizer_config.json"]);
        Assert.Equal(
            ["merges.txt", "text_encoder/model.onnx", "tokenizer_config.json", "vocab.json"],
            ModelLayout.Find(folder.Path).FindOtherFiles()
        );
    }

    [Fact]
    public void A_denoiser_that_is_named_itself_has_none()
    {
        Write(["unet/model.onnx", .. Parts]);
        var layout = ModelLayout.Find(folder.At("unet/model.onnx"));
        Assert.Equal("", layout.DenoiserFolder);
        Assert.Empty(layout.FindOtherFiles());
        Assert.NotNull(layout.VaeDecoderPath);
    }

    [Fact]
    public void A_denoiser_without_other_networks_is_no_pipeline()
    {
        Write(["unet/model.onnx", "scheduler/scheduler_config.json", "model_index.json"]);
        Assert.Equal("", ModelLayout.Find(folder.Path).DenoiserFolder);
    }

    private void Write(string[] names)
    {
        foreach (var name in names)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(folder.At(name))!);
            File.WriteAllText(folder.At(name), "");
        }
    }
}
