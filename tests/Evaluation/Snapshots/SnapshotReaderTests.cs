using DiffusionQuant.Evaluation.Snapshots;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Evaluation.Tests.Snapshots;

public sealed class SnapshotReaderTests
{
    private static readonly string Text = MetricsSnapshot.Of(Reports.Usual).ToJson();

    [Theory]
    [InlineData("\"psnr\"", "\"pnsr\"", "there is no metric 'pnsr' (did you mean 'psnr'?)")]
    [InlineData("\"tolerance\": 2", "\"tolerence\": 2", "'psnr' has no 'tolerence' (did you mean 'tolerance'?)")]
    [InlineData("\"tolerance\": 2", "\"tolerance\": -0.5", "a tolerance is a number that is not negative")]
    [InlineData("\"tolerance\": 2", "\"tolerance\": \"half\"", "a tolerance is a number that is not negative")]
    [InlineData("\"tolerance\": 2, ", "", "'psnr' lacks 'tolerance'")]
    [InlineData("\"value\": 32.21", "\"value\": \"32.21\"", "'value' is a number")]
    [InlineData("\"psnr\": { \"value\": 32.21", "\"psnr\": { 32.21", "invalid")]
    [InlineData("\"tolerance\": 2, ", "\"tolerance\": 2 ", "invalid")]
    [InlineData("\"ssim\"", "\"psnr\"", "'psnr' is there twice")]
    [InlineData("\"psnr\"", "\"speedup\"", "depends on the machine")]
    [InlineData("\"seed\": 0", "\"seed\": -1", "'seed' is a whole number from 0")]
    [InlineData("\"steps\": 50", "\"steps\": 50.5", "'steps' is a whole number from 0")]
    [InlineData("\"/mid/attention\": 27.5", "\"/mid/attention\": \"good\"", "is a number of decibels")]
    [InlineData("        \"psnr\"", "<<<<<<< HEAD\n        \"psnr\"", "a merge conflict")]
    [InlineData("\"model\": \"ddpm-fashion\",", "\"model\": \"ddpm-fashion\", \"note\": 1,", "the file has no 'note'")]
    public void A_mistake_is_named_with_its_line(string text, string mistake, string message)
    {
        var at = Text.IndexOf(text, StringComparison.Ordinal);
        Assert.True(at >= 0);
        var broken = Text[..at] + mistake + Text[(at + text.Length)..];
        // Where a second one of the same name is the mistake, it is the second's line.
        var line = 1 + Text[..at].Count(c => c == '\n');
        var error = Assert.Throws<DiffusionQuantException>(() => MetricsSnapshot.Parse(broken, "a.json"));
        Assert.Equal("DQ2010", error.Code);
        Assert.StartsWith($"a.json, line {line}: ", error.Message);
        Assert.Contains(message, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("\"\\ud800\"")]
    public void What_is_no_snapshot_is_refused(string text) =>
        Assert.Equal("DQ2010", Assert.Throws<DiffusionQuantException>(() => MetricsSnapshot.Parse(text)).Code);

    [Fact]
    public void Text_behind_the_snapshot_is_refused() =>
        Assert.Equal("DQ2010", Assert.Throws<DiffusionQuantException>(() => MetricsSnapshot.Parse(Text + "{}")).Code);

    [Fact]
    public void Another_format_is_named()
    {
        var newer = Text.Replace("\"format\": 1", "\"format\": 2");
        var error = Assert.Throws<DiffusionQuantException>(() => MetricsSnapshot.Parse(newer));
        Assert.Equal("DQ2011", error.Code);
    }

    [Fact]
    public void Two_measurements_of_the_same_counts_are_refused()
    {
        var snapshot = MetricsSnapshot.Of(Reports.Usual);
        var twice = snapshot with { Measurements = [snapshot.Measurements[0], snapshot.Measurements[0]] };
        var error = Assert.Throws<DiffusionQuantException>(() => MetricsSnapshot.Parse(twice.ToJson()));
        Assert.Contains("two measurements", error.Message);
    }

    [Fact]
    public void Line_ends_of_Windows_and_a_byte_order_mark_change_nothing()
    {
        var copy = MetricsSnapshot.Parse("\uFEFF" + Text.ReplaceLineEndings("\r\n"));
        Assert.Equal(Text, copy.ToJson());
    }

    [Fact]
    public void A_file_that_is_not_there_has_a_code() =>
        Assert.Equal(
            "DQ2010",
            Assert.Throws<DiffusionQuantException>(() => MetricsSnapshot.Load("/no/such/file.json")).Code
        );
}
