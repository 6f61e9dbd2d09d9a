using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Tests.Recipes;

public sealed class PolicyTests
{
    private static readonly LayerDescription First = new("/conv_in", "Conv", LayerPositions.First);
    private static readonly LayerDescription Shortcut = new("/skip", "Conv", LayerPositions.Skip);
    private static readonly LayerDescription Embedding = new("/time.0", "Gemm", LayerPositions.TimeEmbedding);

    [Fact]
    public void Strict_quantizes_all_and_gives_the_ends_8_bits()
    {
        var recipe = new Recipe(BitWidths.Parse("W4A4"));
        Assert.Equal("W8A8", $"{recipe.BitsOf(First)}");
        Assert.Equal("W4A4", $"{recipe.BitsOf(Shortcut)}");
        Assert.Equal("W4A4", $"{recipe.BitsOf(Embedding)}");
    }

    [Fact]
    public void Strict_leaves_activations_float_in_a_recipe_for_weights() =>
        Assert.Equal("W8A16", $"{new Recipe(BitWidths.Parse("W4A16")).BitsOf(First)}");

    [Fact]
    public void Tfmq_keeps_its_row_of_layers_in_float()
    {
        var recipe = new Recipe(BitWidths.Parse("W4A8")) { Policy = Policy.Tfmq };
        Assert.True(recipe.BitsOf(First).IsFloat);
        Assert.True(recipe.BitsOf(Shortcut).IsFloat);
        Assert.Equal("W4A8", $"{recipe.BitsOf(Embedding)}");
    }

    [Theory]
    [InlineData("W2A6", "W8A8", "W2A6")]
    [InlineData("W2A16", "W8A16", "W2A16")]
    public void EfficientDm_keeps_its_row_of_layers(string bits, string eight, string rest)
    {
        var recipe = new Recipe(BitWidths.Parse(bits)) { Policy = Policy.EfficientDm };
        string Of(string type, LayerPositions positions) => $"{recipe.BitsOf(new("/layer", type, positions))}";

        Assert.Equal(eight, $"{recipe.BitsOf(First)}");
        Assert.Equal(eight, Of("Gemm", LayerPositions.TimeEmbedding | LayerPositions.TimeMlp));
        Assert.Equal(rest, $"{recipe.BitsOf(Embedding)}");
        Assert.Equal("float", $"{recipe.BitsOf(Shortcut)}");
        Assert.Equal("float", Of("Conv", LayerPositions.Downsample));
        Assert.Equal("float", Of("MatMul", LayerPositions.Attention | LayerPositions.AttentionProduct));
        Assert.Equal(rest, Of("MatMul", LayerPositions.Attention));
    }

    [Fact]
    public void The_users_rules_win_over_the_policy()
    {
        var recipe = new Recipe(BitWidths.Parse("W4A8")) { Policy = Policy.Tfmq, Rules = [LayerRule.Parse("*=W6A6")] };
        Assert.Equal("W6A6", $"{recipe.BitsOf(First)}");
    }

    [Fact]
    public void Names_are_read_and_near_ones_proposed()
    {
        Assert.All(Policy.All, p => Assert.Same(p, Policy.Parse(p.Name.ToUpperInvariant())));
        var error = Assert.Throws<DiffusionQuantException>(() => Policy.Parse("strickt"));
        Assert.Equal("DQ1074", error.Code);
        Assert.Contains("Did you mean 'strict'?", error.Message);
    }
}
