using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>
/// Writes a recipe as a file for people: what differs from the defaults, a line for each rule, and remarks. It can be read
/// by <see cref="RecipeFile"/>.
/// </summary>
public static class RecipeDocument
{
    // A file that is committed is for every machine; which device and how many threads are this one's.
    private static readonly string[] OfTheMachine = [RecipeKeys.Device, RecipeKeys.Threads];

    // Always said, since numbers of two recipes are comparable only where these agree.
    private static readonly string[] Leading = [RecipeKeys.Quantize, RecipeKeys.Method, RecipeKeys.Policy];

    private static readonly JsonSerializerOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The file's text.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="folder">The folder that the file will lie in: where a path to conditioning starts.</param>
    /// <param name="heading">Lines of comment before all else.</param>
    /// <param name="remark">A comment of one line behind each rule, or null for none.</param>
    public static string Write(
        Recipe recipe,
        string folder,
        IEnumerable<string> heading,
        Func<LayerRule, string?> remark
    )
    {
        var text = new StringBuilder();
        foreach (var line in heading)
        {
            text.Append("// ").Append(line).Append('\n');
        }

        text.Append("{\n");
        if (recipe.WeightsSha256 is { } weights)
        {
            Append(RecipeKeys.WeightsSha256, weights);
        }

        foreach (var (key, value) in Given(recipe))
        {
            Append(key, value);
        }

        AppendPath(RecipeKeys.Conditioning, recipe.Conditioning);
        AppendPath(RecipeKeys.Prompts, recipe.Prompts);
        AppendPath(RecipeKeys.TrainingData, recipe.TrainingData);

        text.Append("  ").Append(Json(RecipeKeys.Rules)).Append(": [\n");
        foreach (var rule in recipe.Rules)
        {
            text.Append("    ").Append(Json(rule.ToString())).Append(',');
            text.Append(remark(rule) is { } words ? $" // {words}\n" : "\n");
        }

        return text.Append("  ],\n}\n").ToString();

        void AppendPath(string key, string? path)
        {
            if (path is not null)
            {
                var relative = Path.GetRelativePath(Path.GetFullPath(folder), Path.GetFullPath(path));
                Append(key, relative.Replace('\\', '/'));
            }
        }

        void Append(string key, JsonNode? value) =>
            text.Append("  ").Append(Json(key)).Append(": ").Append(Json(value)).Append(",\n");
    }

    private static IEnumerable<(string Key, JsonNode? Value)> Given(Recipe recipe)
    {
        var all = JsonNode.Parse(recipe.CanonicalJson)!.AsObject();
        var usual = JsonNode.Parse(new Recipe(recipe.Bits).CanonicalJson)!.AsObject();
        string[] written =
        [
            .. Leading,
            .. OfTheMachine,
            RecipeKeys.Rules,
            RecipeKeys.Conditioning,
            RecipeKeys.Prompts,
            RecipeKeys.TrainingData,
        ];
        return Leading
            .Select(key => (key, all[key]))
            .Concat(
                all.Where(p => !written.Contains(p.Key) && !JsonNode.DeepEquals(p.Value, usual[p.Key]))
                    .Select(p => (p.Key, p.Value))
            );
    }

    private static string Json<T>(T value) => JsonSerializer.Serialize(value, Options);
}
