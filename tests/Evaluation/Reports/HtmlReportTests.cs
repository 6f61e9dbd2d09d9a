using System.Net;
using System.Text.RegularExpressions;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Reports;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Tests.Shared;

namespace DiffusionQuant.Evaluation.Tests.Reports;

/// <summary>The page's text; what a browser makes of it is tested in <c>tests/Report</c>.</summary>
public sealed class HtmlReportTests : IDisposable
{
    private static readonly string Fixture = Path.Combine(Snapshot.Root, "tests", "Report", "Fixture");
    private static readonly EvaluationReport Report = MetricsFile.Load(Fixture).Report;
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("diffusionquant-report-");

    [Fact]
    public void The_metrics_are_in_the_page_in_full()
    {
        var page = Write(Report);
        var json = Regex
            .Match(page, "<script type=\"application/json\" id=\"metrics\">(.*?)</script>", RegexOptions.Singleline)
            .Groups[1]
            .Value;
        Assert.Equal(Report.ToJson(), EvaluationReport.Parse(json).ToJson());
        foreach (var layer in Report.Layers)
        {
            Assert.Contains($">{layer.Name}<small>{layer.Operator}</small>", page);
            Assert.Contains($"data-value=\"{Figures.Exact(layer.Sqnr!.Value)}\"", page);
        }
    }

    [Fact]
    public void One_page_asks_for_nothing_outside_itself()
    {
        var page = Write(Report);
        Assert.DoesNotMatch("(src|href)=\"(?!data:)[^\"]+\"", page);
        Assert.DoesNotContain("@import", page);
        Assert.DoesNotMatch(@"\son\w+=""", Regex.Replace(page, "<script.*?</script>", "", RegexOptions.Singleline));
        Assert.Equal(2 * Report.Samples.Count, Regex.Count(page, "src=\"data:image/png;base64,"));
    }

    [Fact]
    public void A_fallback_is_told_with_its_trials_and_layers()
    {
        Assert.DoesNotContain("fallback-title", Write(Report));
        var fallback = new FallbackReport(
            [new("MinSqnrDb", MetricCatalog.NoiseSqnr, 20)],
            true,
            40,
            [new("/down<0>/conv", "W3A8", "float")],
            [
                new(0, new Dictionary<string, double> { [MetricCatalog.NoiseSqnr] = 12.345 }, false),
                new(7, new Dictionary<string, double> { [MetricCatalog.NoiseSqnr] = 20.5 }, true),
            ]
        );
        var page = Write(Report with { Fallback = fallback });
        Assert.Contains("MinSqnrDb 20 holds with more bits for 1 layers", page);
        Assert.Contains("<td>7</td><td>20.5</td><td>yes</td>", page);
        Assert.Contains("/down&lt;0&gt;/conv</td><td>W3A8</td><td>float", page);
    }

    [Fact]
    public void Scales_over_timesteps_are_shown_for_each_layer_that_has_some()
    {
        Assert.DoesNotContain("scales-title", Write(Report));
        var name = Report.Layers[0].Name;
        var page = Write(
            Report with
            {
                Layers =
                [
                    Report.Layers[0] with
                    {
                        Scales = [new(960, 0.5f), new(40, 0.0625f)],
                    },
                    .. Report.Layers.Skip(1),
                ],
            }
        );
        var section = Regex.Match(page, "<section id=\"scales\".*?</section>", RegexOptions.Singleline).Value;
        Assert.Contains($"<summary>{WebUtility.HtmlEncode(name)}: largest 8.0 times the smallest</summary>", section);
        Assert.Contains("<dt>t = 960</dt><dd data-value=\"0.5\">", section);
        Assert.Contains("<dt>t = 40</dt><dd data-value=\"0.0625\">", section);
    }

    [Fact]
    public void Widths_of_channels_are_shown_for_each_layer_that_has_several()
    {
        Assert.DoesNotContain("channel-widths-title", Write(Report));
        var name = Report.Layers[0].Name;
        var page = Write(
            Report with
            {
                Layers =
                [
                    Report.Layers[0] with
                    {
                        MeanWeightBits = 2.1,
                        ChannelWidths = [new(1, 4, 1.9, 2.2, 2.5), new(3, 6, 3.5, 4, 12)],
                    },
                    .. Report.Layers.Skip(1),
                ],
            }
        );
        var section = Regex.Match(page, "<section id=\"channel-widths\".*?</section>", RegexOptions.Singleline).Value;
        Assert.Contains($"<summary>{WebUtility.HtmlEncode(name)}: 2.10 bits in the mean</summary>", section);
        Assert.Contains("<dt>1 bit</dt><dd data-value=\"4\">", section);
        Assert.Contains("<dt>3 bits</dt><dd data-value=\"6\">", section);
        Assert.Contains("6, kurtosis 3.5 to 12.0, median 4.0", section);
    }

    [Fact]
    public void The_same_metrics_make_the_same_bytes() => Assert.Equal(Write(Report), Write(Report));

    [Theory]
    [InlineData("</script><b>")]
    [InlineData("<!--<script>")]
    [InlineData("\" onload=\"x")]
    [InlineData("'&amp;<")]
    public void Text_of_a_model_cannot_become_markup(string name)
    {
        var plain = Write(WithName("plain"));
        var page = Write(WithName(name));
        // Tags and their attributes are the same whatever the name is.
        Assert.Equal(Tags(plain), Tags(page));
        Assert.DoesNotContain(name, page);

        static EvaluationReport WithName(string name) =>
            Report with
            {
                Model = Report.Model with { Name = name },
                Layers = [Report.Layers[0] with { Name = name, Operator = name }],
                Notes = [name],
                Command = name,
                Device = name,
            };

        static string[] Tags(string page) => [.. Regex.Matches(page, "<[a-z!/][^>]*>").Select(m => m.Value)];
    }

    [Fact]
    public void The_verdict_names_what_got_worse()
    {
        var context = new ReportContext
        {
            Verified =
            [
                new(MetricCatalog.Psnr, 31, 0.5, false, VerifiedVerdict.Worse),
                new(MetricCatalog.Ssim, 0.9, 0.01, false, VerifiedVerdict.Within),
            ],
        };
        var page = Write(Report, context);
        Assert.True(context.HasFailed);
        Assert.Contains("<div class=\"verdict\" data-verdict=\"fail\">", page);
        Assert.Contains("1 of 2 compared metrics", page);
        Assert.Contains(
            "<b>PSNR</b> is 28.70\u00a0dB; verified 31.00\u00a0dB, tolerance 0.5\u00a0dB",
            WebUtility.HtmlDecode(page)
        );
        var lowest = Report.Layers.MinBy(l => l.Sqnr)!;
        Assert.Contains($"<li><code>{lowest.Name}</code>", page);
    }

    [Fact]
    public void A_broken_limit_fails_without_a_snapshot()
    {
        var page = Write(Report, new() { Failures = ["DQ2005: too large."] });
        Assert.Contains("<div class=\"verdict\" data-verdict=\"fail\">", page);
        Assert.Contains("<li>DQ2005: too large.</li>", page);
    }

    [Fact]
    public void Passing_and_not_verified_are_two_things()
    {
        Assert.Contains("<div class=\"verdict\" data-verdict=\"none\">", Write(Report));
        var verified = new VerifiedValue(MetricCatalog.Psnr, 28.7, 0.5, false, VerifiedVerdict.Within);
        Assert.Contains(
            "<div class=\"verdict\" data-verdict=\"pass\">",
            Write(Report, new() { Verified = [verified] })
        );
    }

    [Fact]
    public void A_metric_of_a_newer_tool_is_shown_under_its_own_name()
    {
        var page = Write(Report with { Metrics = [.. Report.Metrics, new("novel", 4.25, 9)] });
        Assert.Contains("data-metric=\"novel\"", page);
        Assert.Contains("data-value=\"4.25\"", page);
    }

    [Theory]
    [InlineData("missing.png")]
    [InlineData("text.png")]
    [InlineData("../outside.png")]
    public void A_sample_that_cannot_be_shown_is_a_warning(string picture)
    {
        PngWriter.Save(Path.Combine(folder.FullName, "inside", "good.png"), [0], 1, 1, 1);
        PngWriter.Save(Path.Combine(folder.FullName, "outside.png"), [0], 1, 1, 1);
        File.WriteAllText(Path.Combine(folder.FullName, "inside", "text.png"), "This is no picture of anything.");
        var report = Report with { Samples = [new(0, "good.png", "good.png", 1), new(1, "good.png", picture, 1)] };
        var path = Path.Combine(folder.FullName, "report.html");
        var warnings = HtmlReport.Write(report, Path.Combine(folder.FullName, "inside"), path);
        Assert.Equal("DQ3072", Assert.Single(warnings).Code);
        var page = File.ReadAllText(path);
        Assert.Equal(2, Regex.Count(page, "src=\"data:image/png;base64,"));
        Assert.Contains("<p class=\"warning\">DQ3072: ", page);
    }

    [Fact]
    public void A_page_that_cannot_be_written_is_an_error_and_leaves_the_old_one()
    {
        var path = Path.Combine(folder.FullName, "taken");
        Directory.CreateDirectory(path);
        var error = Assert.Throws<DiffusionQuantException>(() => HtmlReport.Write(Report, Fixture, path));
        Assert.Equal("DQ3073", error.Code);
        Assert.Equal([path], Directory.GetFileSystemEntries(folder.FullName));
    }

    private string Write(EvaluationReport report, ReportContext? context = null)
    {
        var path = Path.Combine(folder.FullName, "report.html");
        Assert.Empty(HtmlReport.Write(report, Fixture, path, context));
        return File.ReadAllText(path);
    }

    public void Dispose() => folder.Delete(recursive: true);
}
