using System.Reflection;
using System.Text.RegularExpressions;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Tests.Shared;

namespace DiffusionQuant.Tool.Tests.CommandLine;

/// <summary>Messages name what their reader can set: metadata of the build or options, no property of a class.</summary>
public sealed partial class MessageNamesTests
{
    [Fact]
    public void Messages_name_no_property_that_only_programs_can_set()
    {
        var documented = File.ReadAllText(Path.Combine(Snapshot.Root, "docs", "build-integration.md"));
        var hidden = SettingNames().Where(n => !documented.Contains(n, StringComparison.Ordinal)).ToHashSet();
        Assert.Contains("SampleSize", hidden);
        Assert.DoesNotContain("InputRoles", hidden);
        string[] folders = ["Diffusion", "Engine", "Evaluation", "Quantization", "Tool"];
        Assert.Empty(
            folders
                .SelectMany(f =>
                    Directory.EnumerateFiles(Path.Combine(Snapshot.Root, "src", f), "*.cs", SearchOption.AllDirectories)
                )
                .Where(f => !f.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}"))
                .SelectMany(f => Sentences(f).Where(s => Words().Matches(s).Any(w => hidden.Contains(w.Value))))
        );
    }

    /// <summary>Names of settings of more than one word: those of one may be any word of a sentence.</summary>
    private static IEnumerable<string> SettingNames() =>
        new[]
        {
            typeof(ModelOptions),
            typeof(SessionSettings),
            typeof(Quantization.Recipes.Recipe),
            typeof(EvaluationRequest),
        }
            .SelectMany(t => t.Assembly.GetExportedTypes())
            .Where(t => SettingTypes().IsMatch(t.Name))
            .SelectMany(t => t.GetProperties(BindingFlags.Public | BindingFlags.Instance))
            .Where(p => p.CanWrite)
            .Select(p => p.Name)
            .Where(n => n.Count(char.IsUpper) > 1);

    /// <summary>The texts of a file that have a space in them, without what is inserted.</summary>
    private static IEnumerable<string> Sentences(string file) =>
        File.ReadLines(file)
            .Where(l => !l.TrimStart().StartsWith("//", StringComparison.Ordinal))
            .SelectMany(l => Literals().Matches(l))
            .Select(m => Insertions().Replace(m.Groups[1].Value, ""))
            .Where(t => t.Contains(' ', StringComparison.Ordinal) && !t.Contains('{', StringComparison.Ordinal));

    [GeneratedRegex("(Options|Settings|Request|Recipe|Limits|Training)$")]
    private static partial Regex SettingTypes();

    [GeneratedRegex("\"((?:[^\"\\\\]|\\\\.)*)\"")]
    private static partial Regex Literals();

    [GeneratedRegex(@"\{[^{}]*\}")]
    private static partial Regex Insertions();

    [GeneratedRegex("[A-Za-z]+")]
    private static partial Regex Words();
}
