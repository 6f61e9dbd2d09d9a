namespace DiffusionQuant.Diffusion;

/// <summary>What the <c>config.json</c> beside a model says of it.</summary>
internal sealed record PartConfig
{
    public required string Path { get; init; }

    /// <summary>The class in diffusers, or the architecture in transformers; empty when not given.</summary>
    public string ClassName { get; init; } = "";

    public (int Height, int Width)? SampleSize { get; init; }

    public int? InChannels { get; init; }

    public int? OutChannels { get; init; }

    /// <summary>Classes of a class-conditional model; the null class of DiT comes on top.</summary>
    public int? ClassCount { get; init; }

    public static PartConfig Load(string path)
    {
        var json = JsonConfig.Load(path);
        int? Positive(string key) => json.Has(key) ? json.Whole(key, 0, 1, int.MaxValue) : null;
        return new()
        {
            Path = path,
            ClassName = json.Text("_class_name", ""),
            SampleSize = json.OneOrPair("sample_size"),
            InChannels = Positive("in_channels"),
            OutChannels = Positive("out_channels"),
            ClassCount = Positive("num_class_embeds") ?? Positive("num_embeds_ada_norm"),
        };
    }

    /// <summary>Why this is no denoiser's config, or null.</summary>
    public string? Refusal =>
        ClassName.Contains("Autoencoder", StringComparison.Ordinal)
        || ClassName.StartsWith("VQ", StringComparison.Ordinal)
            ? $"its config.json says {ClassName}, an autoencoder"
        : ClassName.Contains("ControlNet", StringComparison.Ordinal) ? $"its config.json says {ClassName}, a ControlNet"
        : null;
}
