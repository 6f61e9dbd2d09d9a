using System.Reflection;
using System.Text.RegularExpressions;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Parts;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Training.Denoisers;

namespace DiffusionQuant.Quantization.Tests;

public sealed class ErrorCatalogueTests
{
    [Theory]
    [InlineData(typeof(RecipeErrors), @"DQ10[78]\d")]
    [InlineData(typeof(QuantizationErrors), @"DQ109\d")]
    [InlineData(typeof(PartErrors), @"DQ117\d")]
    [InlineData(typeof(DenoiserTrainingErrors), @"DQ114\d")]
    public void Catalogue_and_documentation_name_the_same_codes(Type catalogue, string codes)
    {
        var methods = catalogue
            .GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
            .Select(m => m.GetCustomAttribute<DiagnosticAttribute>()!.Code)
            .Order();
        var rows = Regex.Matches(File.ReadAllText(DiagnosticsFile()), $@"^\| ({codes}) \|", RegexOptions.Multiline);
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
