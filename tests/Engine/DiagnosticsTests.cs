using System.Reflection;
using System.Text.RegularExpressions;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Engine.Tests;

public sealed partial class DiagnosticsTests
{
    [Fact]
    public void Each_code_is_of_this_library_and_has_one_method()
    {
        var codes = Catalogue().ToArray();
        Assert.NotEmpty(codes);
        Assert.Equal(codes.Distinct(), codes);
        Assert.All(codes, c => Assert.InRange(c, "DQ4001", "DQ4029"));
    }

    [Fact]
    public void The_codes_stand_in_the_documentation() =>
        Assert.Equal(Catalogue().Order(), Documented().Where(c => string.CompareOrdinal(c, "DQ4029") <= 0).Order());

    private static IEnumerable<string> Catalogue() =>
        typeof(EngineErrors)
            .GetMethods(BindingFlags.Static | BindingFlags.Public)
            .Select(m => m.GetCustomAttribute<DiagnosticAttribute>()!.Code);

    private static IEnumerable<string> Documented()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "docs", "diagnostics.md")))
        {
            folder = folder.Parent!;
        }

        var text = File.ReadAllText(Path.Combine(folder.FullName, "docs", "diagnostics.md"));
        return TableRow().Matches(text).Select(m => m.Groups[1].Value);
    }

    [GeneratedRegex(@"^\| (DQ40\d\d) \|", RegexOptions.Multiline)]
    private static partial Regex TableRow();
}
