using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Tests.Recipes;

public sealed class LayerRuleTests
{
    private static readonly LayerDescription Shortcut = new("/down.1/conv1_skip", "Conv", LayerPositions.Skip);
    private static readonly LayerDescription Query = new("/mid/attn/q", "MatMul", LayerPositions.Attention);

    [Theory]
    [InlineData("/down.*/conv1*", true)]
    [InlineData("/down.?/*", true)]
    [InlineData("*skip", true)]
    [InlineData("*", true)]
    [InlineData("/down", false)]
    [InlineData("*conv1", false)]
    [InlineData("/DOWN*", false)]
    [InlineData("type:Conv", true)]
    [InlineData("type:C*v", true)]
    [InlineData("type:MatMul", false)]
    [InlineData("position:skip", true)]
    [InlineData("Position:Skip", true)]
    [InlineData("position:first", false)]
    [InlineData("type:Conv & position:skip & /down*", true)]
    [InlineData("type:Conv&position:first", false)]
    public void Patterns_match(string pattern, bool expected) =>
        Assert.Equal(expected, LayerPattern.Parse(pattern).Matches(Shortcut));

    [Theory]
    [InlineData("a*b*c", "aXbbXcbc", true)]
    [InlineData("a*b*c", "aXbbXcb", false)]
    [InlineData("**", "", true)]
    [InlineData("?", "", false)]
    [InlineData("", "", true)]
    [InlineData(@"a\*b", "a*b", true)]
    [InlineData(@"a\*b", "axb", false)]
    [InlineData(@"*\?", "what?", true)]
    [InlineData(@"*\?", "whats", false)]
    [InlineData(@"\a\\", @"a\", true)]
    [InlineData(@"a\", @"a\", true)]
    public void Globs_backtrack(string pattern, string text, bool expected) =>
        Assert.Equal(expected, Glob.Matches(pattern, text));

    [Theory]
    [InlineData("/down.0/conv1/Conv")]
    [InlineData("a*b?c&d=e")]
    [InlineData(" spaces around ")]
    [InlineData("type:Conv")]
    [InlineData("Position:first")]
    [InlineData(@"back\slash\")]
    [InlineData("\"quoted\" /* // */ line\nbreak \u00e9")]
    [InlineData("&")]
    [InlineData(" ")]
    public void An_exact_pattern_means_one_name(string name)
    {
        var rule = LayerRule.Parse(new LayerRule(LayerPattern.Exact(name), new(3, null)).ToString());
        Assert.Equal(new(3, null), rule.Bits);
        Assert.True(rule.Pattern.Matches(new(name, "Conv")));
        foreach (var place in Enumerable.Range(0, name.Length))
        {
            Assert.False(rule.Pattern.Matches(new(name.Remove(place, 1).Insert(place, "#"), "Conv")));
        }

        Assert.False(rule.Pattern.Matches(new(name + "x", "Conv")));
    }

    [Fact]
    public void A_glob_of_many_stars_stays_fast() =>
        Assert.False(Glob.Matches(string.Concat(Enumerable.Repeat("*a", 40)) + "b", new string('a', 5000)));

    [Theory]
    [InlineData("position:skip=float", "position:skip=float")]
    [InlineData("Position: Skip & TYPE:Conv = w4a8", "position:skip&type:Conv=W4A8")]
    [InlineData("/a=b*=A8", "/a=b*=A8")]
    [InlineData("*=w8", "*=W8")]
    public void Texts_have_one_form(string text, string canonical)
    {
        var rule = LayerRule.Parse(text);
        Assert.Equal(canonical, rule.ToString());
        Assert.Equal(rule, LayerRule.Parse(canonical));
    }

    [Theory]
    [InlineData("position:skip", "DQ1071", "PATTERN=VALUE")]
    [InlineData("position:skp=float", "DQ1072", "Did you mean 'skip'?")]
    [InlineData("=float", "DQ1072", "empty")]
    [InlineData("a&&b=float", "DQ1072", "empty")]
    [InlineData("type:=float", "DQ1072", "no operator")]
    [InlineData("*=W16", "DQ1073", "'W16'")]
    [InlineData("*=", "DQ1073", "''")]
    public void Mistakes_have_codes(string text, string code, string part)
    {
        var error = Assert.Throws<DiffusionQuantException>(() => LayerRule.Parse(text));
        Assert.Equal(code, error.Code);
        Assert.Contains(part, error.Message);
    }

    [Fact]
    public void Later_rules_win_and_halves_combine()
    {
        LayerRule[] rules =
        [
            LayerRule.Parse("*=W8A8"),
            LayerRule.Parse("type:MatMul=A6"),
            LayerRule.Parse("position:skip=float"),
            LayerRule.Parse("/down*=W3"),
        ];
        Assert.Equal(new(3, 32), LayerRule.Resolve(new(4, 4), rules, Shortcut));
        Assert.Equal(new(8, 6), LayerRule.Resolve(new(4, 4), rules, Query));
    }

    [Fact]
    public void Every_position_has_a_word() =>
        Assert.Equal(
            Enum.GetValues<LayerPositions>().Length - 1,
            LayerPattern.PositionNames.Select(n => LayerPattern.Parse($"position:{n}")).Distinct().Count()
        );
}
