using System.Collections.Immutable;
using System.Text.Json;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>Reads recipe files (<c>diffquant.json</c>).</summary>
public static class RecipeFile
{
    /// <summary>Reads a file; keys that it lacks, or that are null, stay open.</summary>
    /// <param name="path">The file; comments and trailing commas are allowed in it.</param>
    /// <exception cref="DiffusionQuantException">DQ1070 to DQ1089: it is missing, no JSON, or has a key or value that is not known.</exception>
    public static RecipeOverrides Read(string path)
    {
        if (!File.Exists(path))
        {
            throw RecipeErrors.FileNotFound(path);
        }

        try
        {
            var read = Parse(File.ReadAllBytes(path), path);
            return read with
            {
                Conditioning = Absolute(read.Conditioning),
                Prompts = Absolute(read.Prompts),
                TrainingData = Absolute(read.TrainingData),
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw RecipeErrors.FileUnreadable(path, e.Message, e);
        }

        // As in project files: from the file's folder on.
        string? Absolute(string? given) =>
            given is null ? null : Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, given);
    }

    /// <summary>Reads a file's content.</summary>
    /// <param name="utf8">The JSON text.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="DiffusionQuantException">DQ1070 to DQ1089: it is no JSON, or has a key or value that is not known.</exception>
    public static RecipeOverrides Parse(ReadOnlyMemory<byte> utf8, string name = "recipe")
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(
                WithoutMark(utf8),
                new()
                {
                    AllowTrailingCommas = true,
                    CommentHandling = JsonCommentHandling.Skip,
                    AllowDuplicateProperties = false,
                }
            );
        }
        catch (JsonException e)
        {
            throw RecipeErrors.FileUnreadable(name, e.Message, e);
        }

        using (document)
        {
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? Read(document.RootElement, name)
                : throw RecipeErrors.FileUnreadable(name, "it holds no JSON object", null);
        }
    }

    private static RecipeOverrides Read(JsonElement root, string name)
    {
        var result = RecipeOverrides.None;
        foreach (var property in root.EnumerateObject())
        {
            if (!RecipeKeys.All.Contains(property.Name))
            {
                throw RecipeErrors.UnknownKey(name, property.Name, NearMatch.Of(property.Name, RecipeKeys.All));
            }

            if (property.Value.ValueKind != JsonValueKind.Null)
            {
                result = Set(result, new(name, property.Name, property.Value));
            }
        }

        return result;
    }

    private static RecipeOverrides Set(RecipeOverrides recipe, RecipeValue value) =>
        value.Key switch
        {
            RecipeKeys.Quantize => recipe with { Bits = BitWidths.Parse(value.Text()) },
            RecipeKeys.Method => recipe with { Method = value.Text() },
            RecipeKeys.Policy => recipe with { Policy = Policy.Parse(value.Text()) },
            RecipeKeys.Rules => recipe with { Rules = [.. value.Texts().Select(LayerRule.Parse)] },
            RecipeKeys.SoftmaxBits => recipe with { SoftmaxBits = value.Int() },
            RecipeKeys.Sampler => recipe with { Sampler = RecipeWords.Solver(value.Key, value.Text()) },
            RecipeKeys.Eta => recipe with { Eta = value.Double() },
            RecipeKeys.TimeGrid => recipe with { TimeGrid = RecipeWords.Parse<TimeGridKind>(value.Key, value.Text()) },
            RecipeKeys.Steps => recipe with { Steps = value.Int() },
            RecipeKeys.Effort => recipe with { Effort = RecipeWords.Parse<Effort>(value.Key, value.Text()) },
            RecipeKeys.Iterations => recipe with { Iterations = value.Int() },
            RecipeKeys.CalibrationSamples => recipe with { CalibrationSamples = value.Int() },
            RecipeKeys.TimestepSampling => recipe with
            {
                TimestepSampling = RecipeWords.Parse<TimestepLaw>(value.Key, value.Text()),
            },
            RecipeKeys.TimestepMean => recipe with { TimestepMean = value.Double() },
            RecipeKeys.TimestepDeviation => recipe with { TimestepDeviation = value.Double() },
            RecipeKeys.GuidanceScale => recipe with { GuidanceScale = value.Double() },
            RecipeKeys.SampleSelection => recipe with
            {
                SampleSelection = RecipeWords.Parse<SampleSelection>(value.Key, value.Text()),
            },
            RecipeKeys.CalibrationBatch => recipe with { CalibrationBatch = value.Int() },
            RecipeKeys.Seed => recipe with { Seed = value.Long() },
            RecipeKeys.Device => recipe with { Device = value.Text() },
            RecipeKeys.Threads => recipe with { Threads = value.Int() },
            RecipeKeys.InputRoles => recipe with { InputRoles = recipe.InputRoles.SetItems(value.Map()) },
            RecipeKeys.ClipSample => recipe with { ClipSample = value.Boolean() },
            RecipeKeys.Conditioning => recipe with { Conditioning = value.Text() },
            RecipeKeys.Prompts => recipe with { Prompts = value.Text() },
            RecipeKeys.Parts => recipe with { Parts = recipe.Parts.SetItems(value.Map()) },
            RecipeKeys.TrainingData => recipe with { TrainingData = value.Text() },
            RecipeKeys.Dimensions => recipe with { Dimensions = recipe.Dimensions.SetItems(value.Sizes()) },
            RecipeKeys.WeightsSha256 => recipe with { WeightsSha256 = value.Text() },
            _ => throw new InvalidOperationException($"The key '{value.Key}' is listed but not read."),
        };

    /// <summary>Editors of some systems put a byte order mark first, which the JSON reader refuses.</summary>
    private static ReadOnlyMemory<byte> WithoutMark(ReadOnlyMemory<byte> utf8) =>
        utf8.Span.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? utf8[3..] : utf8;
}
