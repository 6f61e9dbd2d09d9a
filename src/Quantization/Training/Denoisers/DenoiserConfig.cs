using System.Text.Json;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Quantization.Training.Denoisers;

/// <summary>The size of a DDPM U-Net (Ho et al. 2020); its images' shape is that of what it is trained on.</summary>
/// <param name="Channels">Channels of the first level; even, and at least 4.</param>
/// <param name="Multipliers">Channels of each level as multiples of <paramref name="Channels"/>.</param>
/// <param name="Blocks">Residual blocks per level on the way down; one more on the way up.</param>
/// <param name="AttentionResolutions">Resolutions at which self-attention follows residual blocks; the middle always has it.</param>
public sealed record DenoiserConfig(
    int Channels,
    IReadOnlyList<int> Multipliers,
    int Blocks,
    IReadOnlyList<int> AttentionResolutions
)
{
    private const int MostLevels = 8;

    /// <summary>Groups of the group normalisation; divides every number of channels.</summary>
    public int Groups { get; init; } = 32;

    /// <summary>The size of the sample app's network: 2.6 million parameters for gray images.</summary>
    public static DenoiserConfig Small { get; } = new(32, [1, 2, 4], 1, [16]);

    /// <summary>The CIFAR-10 network of Ho et al. 2020: 35.7 million parameters.</summary>
    public static DenoiserConfig Cifar10 { get; } = new(128, [1, 2, 2, 2], 2, [16]);

    /// <summary>Finds a size.</summary>
    /// <param name="nameOrPath"><c>small</c>, <c>cifar10</c> or a JSON file with this record's values.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1140: there is no such size.</exception>
    public static DenoiserConfig Load(string nameOrPath)
    {
        switch (nameOrPath.ToLowerInvariant())
        {
            case "small":
                return Small;
            case "cifar10":
                return Cifar10;
        }

        try
        {
            var read = JsonSerializer.Deserialize(File.ReadAllText(nameOrPath), DenoiserJson.Default.DenoiserConfig);
            return read ?? throw DenoiserTrainingErrors.BadNetwork(nameOrPath, "it is empty");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw DenoiserTrainingErrors.BadNetwork(nameOrPath, e.Message.ReplaceLineEndings(" "), e);
        }
    }

    /// <summary>The network for images of a shape, opset 17, with inputs <c>sample</c> and <c>timestep</c>.</summary>
    /// <param name="shape">The images' shape.</param>
    /// <param name="name">What messages call this size.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1140: the numbers do not divide as they must.</exception>
    internal OnnxModel Build(SampleShape shape, string name)
    {
        if (shape.Height != shape.Width)
        {
            throw DenoiserTrainingErrors.BadNetwork(name, $"images of {shape} are not square");
        }

        if (Blocks < 1 || Groups < 1 || Multipliers.Count is 0 or > MostLevels || Multipliers.Any(m => m < 1))
        {
            throw DenoiserTrainingErrors.BadNetwork(
                name,
                $"blocks, groups and each of 1 to {MostLevels} multipliers must be positive"
            );
        }

        try
        {
            return DdpmUNet.Build(
                new()
                {
                    Channels = Channels,
                    Multipliers = Multipliers,
                    Blocks = Blocks,
                    AttentionResolutions = AttentionResolutions,
                    Groups = Groups,
                    ImageChannels = shape.Channels,
                    Resolution = shape.Height,
                }
            );
        }
        catch (ArgumentException e)
        {
            throw DenoiserTrainingErrors.BadNetwork(name, e.Message, e);
        }
    }
}
