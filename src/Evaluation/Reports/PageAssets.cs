using System.Security.Cryptography;
using System.Text;

namespace DiffusionQuant.Evaluation.Reports;

/// <summary>The style sheets and scripts of the page, which are embedded in this assembly.</summary>
internal static class PageAssets
{
    private static readonly Lazy<string> LazyStyles = new(() => $"{Read("uPlot.uPlot.min.css")}\n{Read("report.css")}");
    private static readonly Lazy<string> LazyChartLibrary = new(() =>
        // The licence asks to be kept with every copy.
        $"/*!\n{Read("uPlot.LICENSE").Trim()}\n*/\n{Read("uPlot.uPlot.iife.min.js").Trim()}\n"
    );

    /// <summary>One module in one script: its parts share their names and leave none behind in the page.</summary>
    private static readonly Lazy<string> LazyScript = new(() =>
        string.Join('\n', new[] { "page.js", "timesteps.js", "layers.js", "samples.js" }.Select(Read))
    );

    /// <summary>All styles.</summary>
    public static string Styles => LazyStyles.Value;

    /// <summary>uPlot, which draws the charts, with its licence.</summary>
    public static string ChartLibrary => LazyChartLibrary.Value;

    /// <summary>The page's own script.</summary>
    public static string Script => LazyScript.Value;

    /// <summary>A script's hash as a content security policy names it.</summary>
    public static string PolicyHash(string script) =>
        $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script)))}'";

    private static string Read(string name)
    {
        using var stream = typeof(PageAssets).Assembly.GetManifestResourceStream(
            $"DiffusionQuant.Evaluation.Reports.Assets.{name}"
        )!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
