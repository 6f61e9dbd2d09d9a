using System.Collections.Immutable;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>
/// A named choice of the layers that keep more bits than the rest: nothing but a list of rules that stands before the
/// user's own. Numbers of two runs are comparable only under one policy, so reports name it.
/// </summary>
public sealed class Policy
{
    private readonly Func<BitWidths, IEnumerable<string>> rules;

    private Policy(string name, string summary, Func<BitWidths, IEnumerable<string>> rules)
    {
        Name = name;
        Summary = summary;
        this.rules = rules;
    }

    /// <summary>Every layer is quantized; the first and the last have 8 bits.</summary>
    public static Policy Strict { get; } =
        new(
            "strict",
            "every layer is quantized, the first and the last at 8 bits",
            bits => EightBits(bits, "position:first", "position:last")
        );

    /// <summary>
    /// As the code of TFMQ-DM (Huang et al., CVPR 2024) leaves it: first and last layer, shortcuts' 1×1 convolutions and
    /// downsampling convolutions stay float; the time embedding and the inputs of attention's products are quantized,
    /// and the softmax has <see cref="Recipe.SoftmaxBits"/>.
    /// </summary>
    public static Policy Tfmq { get; } =
        new(
            "tfmq",
            "first and last layer, shortcuts and downsampling stay float, as in TFMQ-DM's code",
            _ =>
                [
                    "position:first=float",
                    "position:last=float",
                    "type:Conv&position:skip=float",
                    "type:Conv&position:downsample=float",
                ]
        );

    /// <summary>
    /// As the codes of EfficientDM (He et al., ICLR 2024) and MPQ-DM (Feng et al., AAAI 2025) leave it: shortcuts' 1×1
    /// convolutions, downsampling convolutions and attention's products stay float; first and last layer and the time
    /// embedding's shared layers have 8 bits.
    /// </summary>
    public static Policy EfficientDm { get; } =
        new(
            "efficientdm",
            "shortcuts, downsampling and attention's products stay float, first and last layer and the time embedding's shared layers have 8 bits, as in EfficientDM's and MPQ-DM's code",
            bits =>
                [
                    .. EightBits(bits, "position:first", "position:last", "position:time-mlp"),
                    "type:Conv&position:skip=float",
                    "type:Conv&position:downsample=float",
                    "position:attention-product=float",
                ]
        );

    /// <summary>All policies, the default first.</summary>
    public static ImmutableArray<Policy> All { get; } = [Strict, Tfmq, EfficientDm];

    /// <summary>The name that recipes use.</summary>
    public string Name { get; }

    /// <summary>What it does, in half a sentence.</summary>
    public string Summary { get; }

    /// <summary>The rules, in order.</summary>
    /// <param name="bits">The recipe's own bits.</param>
    public ImmutableArray<LayerRule> Rules(BitWidths bits) => [.. rules(bits).Select(LayerRule.Parse)];

    /// <summary>The policy of a name; case does not matter.</summary>
    /// <exception cref="DiffusionQuantException">DQ1074: there is no such policy.</exception>
    public static Policy Parse(string name) =>
        All.FirstOrDefault(p => p.Name.Equals(name.Trim(), StringComparison.OrdinalIgnoreCase))
        ?? throw RecipeErrors.UnknownPolicy(name, [.. All.Select(p => p.Name)]);

    /// <summary>Activations stay floating point where all of the recipe's do.</summary>
    private static IEnumerable<string> EightBits(BitWidths bits, params IEnumerable<string> patterns) =>
        patterns.Select(p => $"{p}={(bits.QuantizesActivations ? "W8A8" : "W8")}");

    /// <summary>The name.</summary>
    public override string ToString() => Name;
}
