using System.Text.Json;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>How a quantized model was made, as the file beside it says.</summary>
/// <param name="Report">All of it.</param>
/// <param name="Recipe">The recipe, without its conditioning and prompts, whose places only its author's machine has.</param>
internal sealed record MadeBy(QuantizationReport Report, Recipe Recipe)
{
    /// <summary>Reads the file; null where there is none, as beside float models and those of other tools.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3015: it cannot be read.</exception>
    public static MadeBy? Find(string modelPath)
    {
        // A pipeline's denoiser lies a folder below.
        var folder = Directory.Exists(modelPath) ? modelPath : Path.GetDirectoryName(Path.GetFullPath(modelPath))!;
        string?[] folders = [folder, Path.GetDirectoryName(folder)];
        var file = folders
            .Where(f => f is not null)
            .Select(f => Path.Combine(f!, QuantizationReport.FileName))
            .FirstOrDefault(File.Exists);
        if (file is null)
        {
            return null;
        }

        try
        {
            var report = QuantizationReport.Parse(File.ReadAllText(file));
            var json = report.Recipe.DeepClone().AsObject();
            foreach (var key in OfAuthor)
            {
                json.Remove(key);
            }

            return new(report, Recipe.Of(RecipeFile.Parse(JsonSerializer.SerializeToUtf8Bytes(json), file)));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or IOException)
        {
            throw EvaluationErrors.NotAnArtifact(file, e);
        }
    }

    private static readonly string[] OfAuthor = ["conditioning", "prompts"];

    /// <summary>What is known of the models' inputs: what the recipe says, and what a user says, who wins.</summary>
    public ModelOptions Options(ModelOptions given)
    {
        var made = Recipe.ToModelOptions();
        return given with
        {
            InputRoles = Merge(made.InputRoles, given.InputRoles),
            Dimensions = Merge(made.Dimensions, given.Dimensions),
        };
    }

    private static Dictionary<string, T> Merge<T>(
        IReadOnlyDictionary<string, T> first,
        IReadOnlyDictionary<string, T> winner
    )
    {
        var result = first.ToDictionary(StringComparer.Ordinal);
        foreach (var (key, value) in winner)
        {
            result[key] = value;
        }

        return result;
    }
}
