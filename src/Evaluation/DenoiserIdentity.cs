using System.Globalization;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Evaluation;

/// <summary>How a network is called, as far as its graph leaves it open: by config.json, the recipe or options.</summary>
/// <param name="Sample">C×H×W of a sample, and C of the output: <c>1×32×32 to 1</c>.</param>
/// <param name="Inputs">The inputs' roles: <c>sample=sample|t=timestep</c>.</param>
/// <param name="TimestepScale">What timesteps are multiplied by before they are fed.</param>
/// <param name="Classes">How many classes labels are drawn from; null for none.</param>
/// <param name="NullClass">The label of no class; null for none.</param>
public sealed record DenoiserIdentity(
    string Sample,
    string Inputs,
    double TimestepScale,
    int? Classes = null,
    int? NullClass = null
)
{
    /// <summary>The settings by name, in a fixed order.</summary>
    internal IEnumerable<KeyValuePair<string, string>> Settings =>
        [
            new("sample", Sample),
            new("inputs", Inputs),
            new("timestep scale", TimestepScale.ToString(CultureInfo.InvariantCulture)),
            new("classes", Text(Classes)),
            new("null class", Text(NullClass)),
        ];

    /// <summary>The identity of a contract.</summary>
    public static DenoiserIdentity Of(DenoiserContract contract) =>
        new(
            $"{contract.SampleShape} to {contract.OutputChannels}",
            string.Join('|', contract.Inputs.Select(i => $"{i.Name}={RecipeWords.Of(i.Role)}")),
            contract.TimestepScale,
            contract.ClassCount,
            contract.NullClass
        );

    private static string Text(int? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "none";
}
