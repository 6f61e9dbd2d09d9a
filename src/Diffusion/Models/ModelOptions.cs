namespace DiffusionQuant.Diffusion;

/// <summary>What a user can say of a model that its files leave open.</summary>
public sealed record ModelOptions
{
    /// <summary>Nothing said: all is read from the files.</summary>
    public static ModelOptions Default { get; } = new();

    /// <summary>Roles by input name, for inputs that are not recognised, or wrongly.</summary>
    public IReadOnlyDictionary<string, DenoiserRole> InputRoles { get; init; } = new Dictionary<string, DenoiserRole>();

    /// <summary>Sizes of symbolic dimensions by name (<c>height</c>, <c>channels</c> ...).</summary>
    public IReadOnlyDictionary<string, int> Dimensions { get; init; } = new Dictionary<string, int>();

    /// <summary>Height and width of a sample where the graph leaves them open: pixels, or latent cells.</summary>
    public (int Height, int Width)? SampleSize { get; init; }

    /// <summary>Channels of a sample where the graph leaves them open.</summary>
    public int? Channels { get; init; }

    /// <summary>A <c>scheduler_config.json</c> in place of the one beside the model.</summary>
    public string? SchedulerConfigPath { get; init; }

    /// <summary>A schedule in place of any file.</summary>
    public NoisePath? Schedule { get; init; }

    /// <summary>A VAE decoder in place of the one in the model's folder.</summary>
    public string? VaeDecoderPath { get; init; }

    /// <summary>How many classes to draw labels from.</summary>
    public int? ClassCount { get; init; }

    /// <summary>The label that stands for "no class".</summary>
    public int? NullClass { get; init; }

    /// <summary>What timesteps are multiplied by before they are fed, where the graph's own scaling is not recognised.</summary>
    public double? TimestepScale { get; init; }
}
