using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Reports;
using DiffusionQuant.Tests.Shared;

namespace DiffusionQuant.Report.Tests;

/// <summary>Reports written to a folder that is removed with the tests.</summary>
public sealed class ReportFiles : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("diffusionquant-report-");
    private int count;

    /// <summary>What was measured of the sample model.</summary>
    public static EvaluationReport Fixture { get; } = MetricsFile.Load(FixtureFolder).Report;

    private static string FixtureFolder => Path.Combine(Snapshot.Root, "tests", "Report", "Fixture");

    /// <summary>A snapshot whose comparison fails.</summary>
    public static ReportContext Failing { get; } =
        new()
        {
            VerifiedFile = "Models/ddpm-fashion.metrics.verified.json",
            Verified =
            [
                new(MetricCatalog.Psnr, 30.1, 0.5, false, VerifiedVerdict.Worse),
                new(MetricCatalog.Ssim, 0.9151, 0.01, false, VerifiedVerdict.Within),
                new(MetricCatalog.Fid, 8.4012, 0.03, true, VerifiedVerdict.Within),
                new(MetricCatalog.FidIncrease, 0.3904, 0.2, false, VerifiedVerdict.Worse),
                new(MetricCatalog.Recall, 0.5011, 0.02, false, VerifiedVerdict.Better),
                new(MetricCatalog.SizeRatio, 0.1613, 0.01, true, VerifiedVerdict.Within),
                new(MetricCatalog.Speedup, 1.52, 0.2, true, VerifiedVerdict.NotCompared),
            ],
            Failures = ["DQ2005: FID increase[fashion-resnet20] is 0.628, and MaxFidIncrease allows 0.5."],
            AcceptCommand = "dotnet diffquant accept Models/ddpm-fashion.metrics.received.json",
        };

    /// <summary>A snapshot whose comparison passes.</summary>
    public static ReportContext Passing { get; } =
        Failing with
        {
            Verified =
            [
                .. Failing.Verified.Select(v =>
                    v.Verdict == VerifiedVerdict.Worse ? v with { Verdict = VerifiedVerdict.Within } : v
                ),
            ],
            Failures = [],
            AcceptCommand = null,
        };

    /// <summary>Writes a report and tells its path.</summary>
    /// <param name="report">What to report; the fixture if not given.</param>
    /// <param name="context">Beyond what was measured.</param>
    /// <param name="samples">The samples' folder; the fixture's if not given.</param>
    internal string Write(EvaluationReport? report = null, ReportContext? context = null, string? samples = null)
    {
        var path = Path.Combine(folder.FullName, $"{Interlocked.Increment(ref count)}.html");
        Assert.Empty(HtmlReport.Write(report ?? Fixture, samples ?? FixtureFolder, path, context));
        return path;
    }

    /// <summary>A file in the folder.</summary>
    internal string At(string name) => Path.Combine(folder.FullName, name);

    public void Dispose() => folder.Delete(recursive: true);
}
