using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Tests.Recipes;

/// <summary>Rules that match no layer, and what is said of them.</summary>
public sealed class UnmatchedRulesTests
{
    private static readonly LayerDescription[] Layers =
    [
        new("/conv_in/Conv", "Conv", LayerPositions.First),
        new("/down.0/conv1/Conv", "Conv"),
        new("/down.0/attn/q/Gemm", "Gemm", LayerPositions.Attention),
        new("/conv_out/Conv", "Conv", LayerPositions.Last),
    ];

    [Theory]
    [InlineData("type:Convolution=float", "did you mean 'type:Conv'?")]
    [InlineData("type:conv=W8", "did you mean 'type:Conv'?")]
    [InlineData("type:Einsum=W8", "there are Conv and Gemm")]
    [InlineData("position:skip=float", "no layer stands at 'skip'; there are first, attention and last")]
    [InlineData("/down.0/conv1=W8", "did you mean '/down.0/conv1/Conv'?")]
    [InlineData("/Down.0/conv1/Conv=W8", "did you mean '/down.0/conv1/Conv'?")]
    [InlineData("/down.0/conv2/Conv=W8", "did you mean '/down.0/conv1/Conv'")]
    [InlineData("*attention*=W8", "no layer has such a name)")]
    [InlineData("*attn=W8", "did you mean '/down.0/attn/q/Gemm'?")]
    [InlineData("type:Gemm&position:first=W8", "none for all of them")]
    public void A_rule_that_matches_none_is_named_with_what_may_be_meant(string rule, string meant)
    {
        var warning = UnmatchedRules.Find("model", [LayerRule.Parse("*=A8"), LayerRule.Parse(rule)], Layers)!;
        Assert.Equal("DQ1088", warning.Code);
        Assert.Contains($"'{LayerRule.Parse(rule)}'", warning.Message);
        Assert.Contains(meant, warning.Message);
        Assert.DoesNotContain("*=A8", warning.Message);
        Assert.Contains("diffquant inspect model", warning.Message);
    }

    [Fact]
    public void Rules_that_match_are_no_warning() =>
        Assert.Null(
            UnmatchedRules.Find(
                "model",
                [
                    LayerRule.Parse("type:C*=float"),
                    LayerRule.Parse("position:attention=W8"),
                    LayerRule.Parse("*conv1*=W8"),
                ],
                Layers
            )
        );

    [Fact]
    public void Of_many_the_first_are_named_and_the_others_counted()
    {
        var rules = Enumerable.Range(0, 71).Select(i => LayerRule.Parse($"/other/{i}=W8"));
        var message = UnmatchedRules.Find("model", rules, Layers)!.Message;
        Assert.Contains("/other/2=W8", message);
        Assert.DoesNotContain("/other/3=W8", message);
        Assert.Contains("and 68 more", message);
    }
}
