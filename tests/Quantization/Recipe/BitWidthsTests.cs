using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Tests.Recipes;

public sealed class BitWidthsTests
{
    [Theory]
    [InlineData("W8A8", 8, 8)]
    [InlineData("W4A8", 4, 8)]
    [InlineData("W6A6", 6, 6)]
    [InlineData("W4A4", 4, 4)]
    [InlineData("W3A6", 3, 6)]
    [InlineData("W2A4", 2, 4)]
    [InlineData("w4a16", 4, 16)]
    [InlineData(" W8a32 ", 8, 32)]
    public void Texts_are_read(string text, int weights, int activations) =>
        Assert.Equal(new BitWidths(weights, activations), BitWidths.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("W1A8")]
    [InlineData("W9A8")]
    [InlineData("W4A1")]
    [InlineData("W4A12")]
    [InlineData("W4A64")]
    [InlineData("W32A8")]
    [InlineData("W04A8")]
    [InlineData("W4")]
    [InlineData("A8")]
    [InlineData("A8W4")]
    [InlineData("W4A8x")]
    [InlineData("float")]
    [InlineData("int8")]
    public void Others_are_refused_with_the_grammar(string text)
    {
        var error = Assert.Throws<DiffusionQuantException>(() => BitWidths.Parse(text));
        Assert.Equal("DQ1070", error.Code);
        Assert.Contains(BitWidths.Grammar, error.Message);
    }

    [Fact]
    public void Every_pair_survives_its_text()
    {
        foreach (var weights in Enumerable.Range(2, 7))
        {
            foreach (var activations in new[] { 2, 3, 4, 5, 6, 7, 8, 16, 32 })
            {
                var bits = new BitWidths(weights, activations);
                Assert.Equal(bits, BitWidths.Parse(bits.ToString()));
                Assert.Equal(bits, BitWidths.Parse(bits.ToString().ToLowerInvariant()));
            }
        }
    }

    [Theory]
    [InlineData("W4A16", true, false)]
    [InlineData("W4A8", true, true)]
    public void Wide_activations_stay_floating_point(string text, bool weights, bool activations)
    {
        var bits = BitWidths.Parse(text);
        Assert.Equal((weights, activations), (bits.QuantizesWeights, bits.QuantizesActivations));
    }
}
