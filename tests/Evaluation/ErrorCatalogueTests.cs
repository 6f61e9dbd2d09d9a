using System.Reflection;
using System.Text.RegularExpressions;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Tests;

public sealed class ErrorCatalogueTests
{
    [Fact]
    public void Catalogues_and_documentation_name_the_same_codes()
    {
        // Codes of reading images are Quantization's, which reads them too.
        Type[] types = [.. typeof(EvaluationReport).Assembly.GetTypes(), .. typeof(IImageSource).Assembly.GetTypes()];
        var methods = types
            .SelectMany(t => t.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Select(m => m.GetCustomAttribute<DiagnosticAttribute>()?.Code)
            .OfType<string>()
            .Where(c => c[2] is '2' or '3')
            .Order();
        var rows = Regex.Matches(File.ReadAllText(DiagnosticsFile()), @"^\| (DQ[23]\d{3}) \|", RegexOptions.Multiline);
        Assert.Equal(rows.Select(m => m.Groups[1].Value).Order(), methods);
    }

    /// <summary>Found from the test's own folder upward: a source path would be mapped away in a build for CI.</summary>
    private static string DiagnosticsFile()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "docs", "diagnostics.md")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        return Path.Combine(folder, "docs", "diagnostics.md");
    }
}
