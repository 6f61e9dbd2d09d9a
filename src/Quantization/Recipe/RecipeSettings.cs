using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>What a recipe means for the libraries underneath.</summary>
public static class RecipeSettings
{
    /// <summary>How the float model is sampled.</summary>
    public static SamplerSettings ToSamplerSettings(this Recipe recipe) =>
        new()
        {
            Kind = recipe.Sampler,
            Steps = recipe.Steps,
            Eta = recipe.Eta,
            ClipSample = recipe.ClipSample,
            Quadratic = recipe.TimeGrid == TimeGridKind.Quadratic,
        };

    /// <summary>What the recipe says of the model's files.</summary>
    public static ModelOptions ToModelOptions(this Recipe recipe) =>
        new()
        {
            InputRoles = recipe.InputRoles.ToDictionary(
                r => r.Key,
                r => RecipeWords.Parse<DenoiserRole>(RecipeKeys.InputRoles, r.Value)
            ),
            Dimensions = recipe.Dimensions,
        };
}
