using System.Text;
using System.Text.Json;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>Writes a recipe's canonical JSON, the text that is hashed.</summary>
internal static class RecipeJson
{
    public static string Write(Recipe recipe) => Encoding.UTF8.GetString(WriteUtf8(recipe));

    public static byte[] WriteUtf8(Recipe recipe)
    {
        // The dictionary's ordinal order is the order in the text, however this list is edited.
        var values = new SortedDictionary<string, Action<Utf8JsonWriter>>(StringComparer.Ordinal)
        {
            [RecipeKeys.Quantize] = w => w.WriteStringValue(recipe.Bits.ToString()),
            [RecipeKeys.Method] = w => w.WriteStringValue(recipe.Method),
            [RecipeKeys.Policy] = w => w.WriteStringValue(recipe.Policy.Name),
            [RecipeKeys.Rules] = w => WriteStrings(w, recipe.Rules.Select(r => r.ToString())),
            [RecipeKeys.SoftmaxBits] = w => w.WriteNumberValue(recipe.SoftmaxBits),
            [RecipeKeys.Sampler] = w => w.WriteStringValue(recipe.Sampler?.Name),
            // Adding zero makes −0 and 0 one text.
            [RecipeKeys.Eta] = w => WriteNumber(w, recipe.Eta + 0.0),
            [RecipeKeys.TimeGrid] = w => w.WriteStringValue(RecipeWords.Of(recipe.TimeGrid)),
            [RecipeKeys.Steps] = w => w.WriteNumberValue(recipe.Steps),
            [RecipeKeys.Effort] = w => w.WriteStringValue(RecipeWords.Of(recipe.Effort)),
            [RecipeKeys.Iterations] = w => WriteNumber(w, recipe.Iterations),
            [RecipeKeys.CalibrationSamples] = w => WriteNumber(w, recipe.CalibrationSamples),
            [RecipeKeys.TimestepSampling] = w =>
                w.WriteStringValue(recipe.TimestepSampling is { } law ? RecipeWords.Of(law) : null),
            [RecipeKeys.TimestepMean] = w => WriteNumber(w, recipe.TimestepMean),
            [RecipeKeys.TimestepDeviation] = w => WriteNumber(w, recipe.TimestepDeviation),
            // Without prompts, no scale is 1.
            [RecipeKeys.GuidanceScale] = w =>
                WriteNumber(w, (recipe.GuidanceScale ?? (recipe.Prompts is null ? 1 : null)) + 0.0),
            [RecipeKeys.SampleSelection] = w => w.WriteStringValue(RecipeWords.Of(recipe.SampleSelection)),
            [RecipeKeys.CalibrationBatch] = w => w.WriteNumberValue(recipe.CalibrationBatch),
            [RecipeKeys.Seed] = w => w.WriteNumberValue(recipe.Seed),
            [RecipeKeys.Device] = w => w.WriteStringValue(recipe.DeviceKind),
            [RecipeKeys.Threads] = w => w.WriteNumberValue(recipe.Threads),
            [RecipeKeys.InputRoles] = w => WriteMap(w, recipe.InputRoles),
            [RecipeKeys.ClipSample] = w => WriteBoolean(w, recipe.ClipSample),
        };

        // Written only where given: most models need none.
        if (recipe.ConditioningHash is { } conditioning)
        {
            values[RecipeKeys.Conditioning] = w => w.WriteStringValue($"sha256:{conditioning}");
        }

        if (recipe.PromptsHash is { } prompts)
        {
            values[RecipeKeys.Prompts] = w => w.WriteStringValue($"sha256:{prompts}");
        }

        if (recipe.Parts.Count > 0)
        {
            values[RecipeKeys.Parts] = w => WriteMap(w, recipe.Parts);
        }

        if (recipe.TrainingDataHash is { } images)
        {
            values[RecipeKeys.TrainingData] = w => w.WriteStringValue($"sha256:{images}");
        }

        if (recipe.Dimensions.Count > 0)
        {
            values[RecipeKeys.Dimensions] = w =>
            {
                w.WriteStartObject();
                foreach (var (name, size) in recipe.Dimensions)
                {
                    w.WriteNumber(name, size);
                }

                w.WriteEndObject();
            };
        }

        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            foreach (var (key, write) in values)
            {
                writer.WritePropertyName(key);
                write(writer);
            }

            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void WriteStrings(Utf8JsonWriter writer, IEnumerable<string> values)
    {
        writer.WriteStartArray();
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }

    private static void WriteMap(Utf8JsonWriter writer, IEnumerable<KeyValuePair<string, string>> map)
    {
        writer.WriteStartObject();
        foreach (var (key, value) in map)
        {
            writer.WriteString(key, value);
        }

        writer.WriteEndObject();
    }

    private static void WriteNumber(Utf8JsonWriter writer, double? value)
    {
        if (value is { } known)
        {
            writer.WriteNumberValue(known + 0.0);
        }
        else
        {
            writer.WriteNullValue();
        }
    }

    private static void WriteBoolean(Utf8JsonWriter writer, bool? value)
    {
        if (value is { } known)
        {
            writer.WriteBooleanValue(known);
        }
        else
        {
            writer.WriteNullValue();
        }
    }
}
