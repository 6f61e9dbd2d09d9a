using System.Reflection;
using System.Text.RegularExpressions;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Tool.Tests;

public sealed partial class ToolErrorsTests
{
    [Fact]
    public void Catalogue_and_documentation_name_the_same_codes()
    {
        var catalogue = typeof(ToolErrors)
            .GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
            .Select(m => m.GetCustomAttribute<DiagnosticAttribute>()!.Code)
            .Order();
        var documented = Rows().Matches(File.ReadAllText(DiagnosticsFile())).Select(m => m.Groups[1].Value).Order();
        Assert.Equal(documented, catalogue);
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

    [GeneratedRegex(@"^\| (DQ11[23]\d) \|", RegexOptions.Multiline)]
    private static partial Regex Rows();
}
