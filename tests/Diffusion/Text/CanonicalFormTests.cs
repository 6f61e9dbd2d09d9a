namespace DiffusionQuant.Diffusion.Tests.Text;

public sealed class CanonicalFormTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("e\u0301", "\u00e9")]
    [InlineData("\u00e9", "\u00e9")]
    // A mark below and one above, in either order; the one below joins first.
    [InlineData("a\u0302\u0323", "\u1ead")]
    [InlineData("a\u0323\u0302", "\u1ead")]
    [InlineData("\u00e2\u0323", "\u1ead")]
    // Of two marks of one class the second cannot pass the first.
    [InlineData("x\u0301\u0300", "x\u0301\u0300")]
    [InlineData("a\u0328\u0301\u0300", "\u0105\u0301\u0300")]
    // Hangul.
    [InlineData("\u1112\u1161\u11ab\u1100\u1173\u11af", "\ud55c\uae00")]
    [InlineData("\ud558\u11ab", "\ud55c")]
    // The Ångström sign and the Kelvin sign are letters; U+0958 is never composed.
    [InlineData("\u212b\u212a", "\u00c5K")]
    [InlineData("\u0958", "\u0915\u093c")]
    [InlineData("\u0301e", "\u0301e")]
    [InlineData("🙂\u0301", "🙂\u0301")]
    public void Text_is_composed_as_unicode_has_it(string text, string composed) =>
        Assert.Equal(composed, CanonicalForm.Compose(text));
}
