using System.Reflection;
using System.Text.RegularExpressions;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Extensions.AI.Tests;

public sealed partial class GeneratorErrorsTests
{
    [Fact]
    public void Catalogue_and_documentation_name_the_same_codes()
    {
        var catalogue = typeof(GeneratorErrors)
            .GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
            .Select(m => m.GetCustomAttribute<DiagnosticAttribute>()!.Code)
            .Order();
        var text = File.ReadAllText(Repository.PathOf("docs/diagnostics.md"));
        Assert.Equal(Rows().Matches(text).Select(m => m.Groups[1].Value).Order(), catalogue);
    }

    [GeneratedRegex(@"^\| (DQ116\d) \|", RegexOptions.Multiline)]
    private static partial Regex Rows();
}
