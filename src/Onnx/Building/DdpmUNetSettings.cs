namespace DiffusionQuant.Onnx.Building;

/// <summary>Size and form of a <see cref="DdpmUNet"/>; the defaults are the CIFAR-10 network of Ho et al. 2020
/// (35,746,307 parameters).</summary>
public sealed record DdpmUNetSettings
{
    /// <summary>Channels of the first level; even, and at least 4.</summary>
    public int Channels { get; init; } = 128;

    /// <summary>Channels of each level as multiples of <see cref="Channels"/>.</summary>
    public IReadOnlyList<int> Multipliers { get; init; } = [1, 2, 2, 2];

    /// <summary>Residual blocks per level on the way down; one more on the way up.</summary>
    public int Blocks { get; init; } = 2;

    /// <summary>Resolutions at which residual blocks are followed by self-attention; the middle always has it.</summary>
    public IReadOnlyList<int> AttentionResolutions { get; init; } = [16];

    /// <summary>Channels of the images.</summary>
    public int ImageChannels { get; init; } = 3;

    /// <summary>Height and width of the images; divisible by 2 once per level but the last.</summary>
    public int Resolution { get; init; } = 32;

    /// <summary>Groups of the group normalisation; divides every number of channels.</summary>
    public int Groups { get; init; } = 32;

    /// <summary>The seed of the weights.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The opset, 13 to 23.</summary>
    public long Opset { get; init; } = 17;

    /// <summary>How nodes and values are named.</summary>
    public NameStyle NameStyle { get; init; }

    /// <summary>Weights and activations in float16; normalisation stays a float32 island, as converters leave it.</summary>
    public bool HalfPrecision { get; init; }

    /// <summary>With <see cref="HalfPrecision"/>: whether images stay float32 at the graph's border.</summary>
    public bool KeepFloatImages { get; init; }

    /// <summary>The name of the image input [N,C,R,R].</summary>
    public string SampleName { get; init; } = "sample";

    /// <summary>The name of the timestep input, int64 [N].</summary>
    public string TimestepName { get; init; } = "timestep";

    /// <summary>The name of the output [N,C,R,R].</summary>
    public string OutputName { get; init; } = "out_sample";

    /// <summary>A network that runs in milliseconds: 8 channels, multipliers 1-2, one block, 8×8 images.</summary>
    public static DdpmUNetSettings Tiny { get; } =
        new()
        {
            Channels = 8,
            Multipliers = [1, 2],
            Blocks = 1,
            AttentionResolutions = [4],
            ImageChannels = 1,
            Resolution = 8,
            Groups = 4,
        };
}
