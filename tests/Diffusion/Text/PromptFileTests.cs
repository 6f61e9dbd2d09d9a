using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Diffusion.Tests.Text;

public sealed class PromptFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("one\ntwo\n")]
    [InlineData("\uFEFFone\r\n\r\n  two  ")]
    [InlineData("\n\none\n\ntwo\n\n")]
    public void Each_line_that_is_not_empty_is_a_prompt(string text) =>
        Assert.Equal(["one", "two"], PromptFile.Read(Write(System.Text.Encoding.UTF8.GetBytes(text))));

    [Fact]
    public void Letters_of_all_languages_are_kept() =>
        Assert.Equal(
            ["Schäfchen auf grünem Grund", "красный кроссовок"],
            PromptFile.Read(Write("Schäfchen auf grünem Grund\nкрасный кроссовок"u8))
        );

    [Theory]
    [InlineData(new byte[0], "no prompt")]
    [InlineData(new byte[] { 0x20, 0x0A, 0x0D, 0x0A }, "no prompt")]
    [InlineData(new byte[] { 0x61, 0xE4, 0x62 }, "not UTF-8")]
    [InlineData(new byte[] { 0xFF, 0xFE, 0x61, 0x00 }, "not UTF-8")]
    public void Others_are_refused(byte[] bytes, string why)
    {
        var error = Assert.Throws<DiffusionQuantException>(() => PromptFile.Read(Write(bytes)));
        Assert.Equal("DQ1069", error.Code);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_refused() =>
        Assert.Equal(
            "DQ1069",
            Assert.Throws<DiffusionQuantException>(() => PromptFile.Read(folder.At("none.txt"))).Code
        );

    private string Write(ReadOnlySpan<byte> bytes)
    {
        var path = folder.At("prompts.txt");
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
