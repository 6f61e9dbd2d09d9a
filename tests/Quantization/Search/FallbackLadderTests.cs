using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Search;

namespace DiffusionQuant.Quantization.Tests.Search;

public sealed class FallbackLadderTests
{
    private static readonly SensitivityTable Table = new(
        16,
        [
            Layer("first", LayerPositions.First, 0.9, 0.3),
            Layer("small", LayerPositions.None, 0.1, 0.001),
            Layer("large", LayerPositions.None, 0.5, 0.002),
            Layer("none", LayerPositions.None, 0.7, 0.7),
        ]
    );

    private static readonly Recipe Plain = new(new(3, 6)) { Rules = [LayerRule.Parse("none=float")] };

    [Fact]
    public void The_most_sensitive_layers_get_8_bits_first_and_then_float()
    {
        var ladder = FallbackLadder.Of(Table, Plain);
        // Two layers to 8 bits, and all but the least sensitive of three to float.
        Assert.Equal(4, ladder.Count);
        Assert.Equal(["large=W8A8", "small=W8A8"], ladder.Raise(Plain, 2).Rules.Skip(1).Select(r => r.ToString()));
        Assert.Equal(
            ["large=float", "small=W8A8", "first=float"],
            ladder.Raise(Plain, 4).Rules.Skip(1).Select(r => r.ToString())
        );
        Assert.Equal(new("large", "W3A6", "float"), ladder.Raised(4)[0]);
        Assert.Empty(ladder.Raised(0));
        Assert.Equal(Plain, ladder.Raise(Plain, 0));
    }

    [Fact]
    public void Activations_that_are_in_float_stay_there()
    {
        var ladder = FallbackLadder.Of(Table, new(new(7, 16)));
        Assert.Equal(new("none", "W7A16", "W8A16"), ladder.Raised(1)[0]);
    }

    private static LayerSensitivity Layer(string name, LayerPositions positions, double atTwo, double atEight) =>
        new(name, "Conv", positions, 100, new Dictionary<int, double> { [2] = atTwo, [8] = atEight });
}
