using System.Text;
using System.Text.RegularExpressions;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Tests.Recipes;

/// <summary>What docs/recipes.md says of recipes is so.</summary>
public sealed partial class RecipeDocumentationTests
{
    private static readonly string Text = File.ReadAllText(FileOf("recipes.md"));

    [Fact]
    public void Its_table_has_all_keys() =>
        Assert.Equal(RecipeKeys.All.Order(), Rows().Matches(Text).Select(m => m.Groups[1].Value).Order());

    [Fact]
    public void Its_example_is_a_recipe()
    {
        var example = Example().Match(Text).Groups[1].Value;
        var recipe = Recipe.Of(RecipeFile.Parse(Encoding.UTF8.GetBytes(example)));
        Assert.Equal(2, recipe.Rules.Length);
    }

    [Fact]
    public void It_names_the_policies_and_their_rules()
    {
        foreach (var policy in Policy.All)
        {
            var row = Text.Split('\n').Single(l => l.StartsWith($"| `{policy.Name}` |", StringComparison.Ordinal));
            Assert.All(policy.Rules(new(4, 8)), rule => Assert.Contains($"`{rule}`", row));
        }
    }

    [Fact]
    public void It_names_the_positions() =>
        Assert.All(
            LayerPattern.PositionNames,
            n =>
                Assert.Contains(
                    n,
                    Text.Split('\n').Single(l => l.StartsWith("| `position:first`", StringComparison.Ordinal))
                )
        );

    private static string FileOf(string name)
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "docs", name)))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        return Path.Combine(folder, "docs", name);
    }

    [GeneratedRegex(@"^\| `(\w+)` \| (?:`--|none)", RegexOptions.Multiline)]
    private static partial Regex Rows();

    [GeneratedRegex("```json\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Example();
}
