using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Tool.Fallback;

/// <summary>What a fallback has made.</summary>
/// <param name="Recipe">The recipe, with the rules of the raised layers.</param>
/// <param name="Folder">The quantized model in the cache.</param>
/// <param name="Key">Its key.</param>
/// <param name="IsNew">Whether this run made it.</param>
/// <param name="Report">What was raised and tried.</param>
internal sealed record FallbackOutcome(Recipe Recipe, string Folder, string Key, bool IsNew, FallbackReport Report)
{
    /// <summary>The limits in words.</summary>
    public string Limits =>
        string.Join(", ", Report.Limits.Select(l => FormattableString.Invariant($"{l.Name} {l.Value}")));

    /// <summary>Writes into a copy of the model what was raised, which the cache's entry does not know: another limit may
    /// lead to the same model.</summary>
    public void Describe(string folder)
    {
        var path = Path.Combine(folder, QuantizationReport.FileName);
        var described = QuantizationReport.Parse(File.ReadAllText(path)) with { Fallback = Report };
        AtomicFile.WriteText(path, described.ToJson());
    }
}
