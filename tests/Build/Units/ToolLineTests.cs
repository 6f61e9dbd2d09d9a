using DiffusionQuant.Build.Tool;

namespace DiffusionQuant.Build.Tests.Units;

/// <summary>The prefixed lines of the tool.</summary>
public sealed class ToolLineTests
{
    [Theory]
    [InlineData("error: DQ1042: Models/x: no denoiser", nameof(ToolLineKind.Error), "DQ1042", "Models/x: no denoiser")]
    [InlineData("warn: DQ4001: no GPU", nameof(ToolLineKind.Warning), "DQ4001", "no GPU")]
    [InlineData("info: step 3 of 9: 12:30", nameof(ToolLineKind.Information), null, "step 3 of 9: 12:30")]
    [InlineData("verbose: x", nameof(ToolLineKind.Verbose), null, "x")]
    [InlineData("data: {}", nameof(ToolLineKind.Data), null, "{}")]
    [InlineData("error:without a space", nameof(ToolLineKind.Other), null, "error:without a space")]
    [InlineData("", nameof(ToolLineKind.Other), null, "")]
    public void A_line_is_what_its_prefix_says(string line, string kind, string? code, string text)
    {
        var parsed = ToolLine.Parse(line);

        Assert.Equal((kind, code, text), (parsed.Kind.ToString(), parsed.Code, parsed.Text));
    }
}
