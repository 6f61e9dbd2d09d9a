using System.Security.Cryptography;
using System.Text.RegularExpressions;
using DiffusionQuant.Evaluation.Reports;
using DiffusionQuant.Tests.Shared;

namespace DiffusionQuant.Evaluation.Tests.Reports;

/// <summary>The charts' library is the released one, unchanged.</summary>
public sealed class UPlotFilesTests
{
    private static readonly string Assets = Path.Combine(Snapshot.Root, "src", "Evaluation", "Reports", "Assets");

    [Fact]
    public void Files_are_those_that_the_table_names()
    {
        var rows = Regex.Matches(
            File.ReadAllText(Path.Combine(Assets, "README.md")),
            @"^\| `([^`]+)` \| `package/[^`]*` \| `([0-9a-f]{64})` \|",
            RegexOptions.Multiline
        );
        var files = Directory.GetFiles(Path.Combine(Assets, "uPlot")).Select(f => Path.GetFileName(f)!).Order();
        Assert.Equal(files, rows.Select(r => r.Groups[1].Value).Order());
        foreach (Match row in rows)
        {
            var bytes = File.ReadAllBytes(Path.Combine(Assets, "uPlot", row.Groups[1].Value));
            Assert.Equal(row.Groups[2].Value, Convert.ToHexStringLower(SHA256.HashData(bytes)));
        }
    }

    [Fact]
    public void Scripts_and_styles_cannot_end_the_element_they_stand_in()
    {
        Assert.All(
            [PageAssets.ChartLibrary, PageAssets.Script],
            script => Assert.DoesNotMatch("(?i)</script|<!--|<script", script)
        );
        Assert.DoesNotMatch("(?i)</style", PageAssets.Styles);
    }

    [Fact]
    public void The_licence_goes_with_every_page() => Assert.Contains("Leon Sorokin", PageAssets.ChartLibrary);
}
