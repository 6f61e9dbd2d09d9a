using System.Reflection;
using System.Text.RegularExpressions;
using DiffusionQuant.Build.Diagnostics;
using DiffusionQuant.Build.Tests.Sandboxes;

namespace DiffusionQuant.Build.Tests.Units;

/// <summary>The catalogue of codes and its documentation are one list.</summary>
public sealed class CatalogueTests
{
    [Fact]
    public void Every_code_is_documented_and_every_documented_code_exists()
    {
        var catalogue = typeof(BuildDiagnostics)
            .GetMethods(BindingFlags.Static | BindingFlags.Public)
            .Select(method => (Diagnostic)method.Invoke(null, method.GetParameters().Select(Sample).ToArray())!)
            .ToList();
        var documented = Regex
            .Matches(
                File.ReadAllText(Path.Combine(Repository.Root, "docs/diagnostics.md")),
                @"^\| (DQ11[015]\d) \|",
                RegexOptions.Multiline
            )
            .Select(match => match.Groups[1].Value);

        Assert.Equal(catalogue.Select(d => d.Code).Order(), documented.Order());
        Assert.Equal(catalogue.Count, catalogue.Select(d => d.Code).Distinct().Count());
    }

    private static object Sample(ParameterInfo parameter) => parameter.ParameterType == typeof(int) ? 1 : "x";
}
