using System.Reflection;
using System.Text.RegularExpressions;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Tests.Shared;

namespace DiffusionQuant.Onnx.Tests;

public sealed partial class OnnxErrorsTests
{
    [Fact]
    public void Catalogue_and_documentation_name_the_same_codes()
    {
        var catalogue = typeof(OnnxErrors)
            .GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
            .Select(m => m.GetCustomAttribute<DiagnosticAttribute>()!.Code)
            .ToArray();
        Assert.Equal(catalogue.Distinct(), catalogue);
        var text = File.ReadAllText(Path.Combine(Snapshot.Root, "docs", "diagnostics.md"));
        Assert.Equal(Rows().Matches(text).Select(m => m.Groups[1].Value), catalogue.Order());
    }

    [GeneratedRegex(@"^\| (DQ10[012]\d) \|", RegexOptions.Multiline)]
    private static partial Regex Rows();
}
