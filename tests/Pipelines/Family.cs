using System.Text.Json.Nodes;
using DiffusionQuant.Diffusion.Tests.Text;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Pipelines.Tests;

/// <summary>
/// A pipeline's folder: denoiser and autoencoder of diffusers' own classes at a few layers, text encoders of three layers with
/// real tokenizers, and the family's scheduler.
/// </summary>
internal sealed class Family : IDisposable
{
    private const string StableDiffusion =
        """{"_class_name":"PNDMScheduler","beta_start":0.00085,"beta_end":0.012,"beta_schedule":"scaled_linear","skip_prk_steps":true,"steps_offset":1,"set_alpha_to_one":false}""";

    private const string Velocity =
        """{"_class_name":"DDIMScheduler","beta_start":0.00085,"beta_end":0.012,"beta_schedule":"scaled_linear","prediction_type":"v_prediction","steps_offset":1,"set_alpha_to_one":false,"clip_sample":false}""";

    // What the weights predict is no noise, so that taking it for noise would let the numbers grow without end.
    private const string Euler =
        """{"_class_name":"EulerDiscreteScheduler","prediction_type":"v_prediction","beta_start":0.00085,"beta_end":0.012,"beta_schedule":"scaled_linear","steps_offset":1}""";

    private const string Unclipped =
        """{"_class_name":"DDIMScheduler","prediction_type":"v_prediction","clip_sample":false}""";

    private static readonly Dictionary<string, Action<Family>> Makers = new()
    {
        ["sd15"] = f => f.Add("unet-sd15", "unet", "vae-sd15", StableDiffusion).AddClip(24),
        ["sd21"] = f => f.Add("unet-sd21", "unet", "vae-sd15", Velocity).AddClip(24, pad: "!"),
        ["lcm"] = f => f.Add("unet-lcm", "unet", "vae-sd15", """{"_class_name":"LCMScheduler"}""").AddClip(24),
        ["sdxl"] = f =>
            f.Add("unet-sdxl", "unet", "vae-sd15", Euler).AddClip(10).AddClip(14, projection: 20, suffix: "_2"),
        ["ldm-vq"] = f => f.AddUnconditional().AddAutoencoder("vq-ldm").AddScheduler(Unclipped),
        ["dit"] = f => f.Add("dit", "transformer", "vae-sd15", Unclipped),
        ["pixart"] = f =>
            f.Add(
                    "pixart",
                    "transformer",
                    "vae-sd15",
                    """{"_class_name":"DPMSolverMultistepScheduler","prediction_type":"v_prediction","beta_start":0.0001,"beta_end":0.02}"""
                )
                .AddT5("", ElementType.Int64),
        ["sd3"] = f =>
            f.Add("sd3", "transformer", "vae-sd15", """{"_class_name":"FlowMatchEulerDiscreteScheduler","shift":3.0}""")
                // The graph was traced with six tokens, of which T5 has three.
                .AddClip(8, projection: 8, length: 3)
                .AddClip(10, projection: 10, suffix: "_2", length: 3)
                .AddT5("_3"),
        ["flux"] = f =>
            f.Add(
                    "flux",
                    "transformer",
                    "vae-sd15",
                    """{"_class_name":"FlowMatchEulerDiscreteScheduler","use_dynamic_shifting":true}""",
                    // The pipeline's own size is 128; its file names none.
                    sampleSize: 8
                )
                .AddClip(18)
                .AddT5("_2"),
    };

    private readonly TextFixture fixture = new();

    private Family() { }

    public static TheoryData<string> Names => [.. Makers.Keys];

    /// <summary>The pipeline's folder.</summary>
    public string Folder => fixture.Folder.Path;

    public bool TakesPrompts => Directory.Exists(Path.Combine(Folder, "text_encoder"));

    public static Family Create(string name)
    {
        var family = new Family();
        Makers[name](family);
        return family;
    }

    public void Dispose() => fixture.Dispose();

    private Family Add(string denoiser, string part, string autoencoder, string scheduler, int? sampleSize = null)
    {
        Copy($"{denoiser}/model.onnx", $"{part}/model.onnx");
        var config = JsonNode.Parse(File.ReadAllText(Source($"{denoiser}/config.json")))!.AsObject();
        config["sample_size"] ??= sampleSize;
        fixture.Folder.Write($"{part}/config.json", config.ToJsonString());
        return AddAutoencoder(autoencoder).AddScheduler(scheduler);
    }

    /// <summary>A network of latents with three channels, which diffusers has no small one of here.</summary>
    private Family AddUnconditional()
    {
        var settings = DdpmUNetSettings.Tiny with { ImageChannels = 3 };
        DdpmUNet.Build(settings).Save(fixture.Folder.At("unet/model.onnx"));
        return this;
    }

    private Family AddAutoencoder(string name)
    {
        Copy($"{name}/vae_decoder.onnx", "vae_decoder/model.onnx");
        Copy($"{name}/config.json", "vae_decoder/config.json");
        return this;
    }

    private Family AddScheduler(string config)
    {
        fixture.Folder.Write("scheduler/scheduler_config.json", config);
        return this;
    }

    private Family AddClip(
        int width,
        int? projection = null,
        string suffix = "",
        string? pad = null,
        int? length = null
    )
    {
        new TinyTextEncoder
        {
            Seed = width,
            Width = width,
            Projection = projection,
            GivesPooled = projection is null,
        }.Save(
            fixture.Folder,
            $"text_encoder{suffix}",
            length is null ? null : $$"""{ "max_position_embeddings": {{length}} }"""
        );
        fixture.AddClipTokenizer($"tokenizer{suffix}", pad ?? (suffix.Length > 0 ? "!" : null));
        return this;
    }

    private Family AddT5(string suffix, ElementType? mask = null)
    {
        new TinyTextEncoder
        {
            Seed = 6,
            Width = 20,
            Rows = 640,
            Layers = 2,
            Places = 512,
            GivesHidden = false,
            GivesPooled = false,
            MaskType = mask,
        }.Save(fixture.Folder, $"text_encoder{suffix}");
        fixture.AddT5Tokenizer($"tokenizer{suffix}");
        return this;
    }

    private void Copy(string from, string to) => File.Copy(Source(from), fixture.Folder.At(to));

    private static string Source(string name) => Path.Combine(AppContext.BaseDirectory, "Architectures", name);
}
