using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Methods;

/// <summary>What a recipe leaves to its method.</summary>
public static class MethodChoices
{
    /// <summary>How many pairs (x_t, t) calibration keeps.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1090: there is no such method.</exception>
    public static int SamplesOf(Recipe recipe) =>
        recipe.CalibrationSamples ?? MethodCatalog.Find(recipe.Method).CalibrationSamples(recipe.Effort);

    /// <summary>How their timesteps are chosen.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1087: the recipe gives a normal law's mean or deviation, but the
    /// law is none. DQ1090: there is no such method.</exception>
    public static TimestepLaw TimestepLawOf(Recipe recipe)
    {
        var law = recipe.TimestepSampling ?? MethodCatalog.Find(recipe.Method).TimestepSampling;
        RecipeChecks.LawHas(recipe, law);
        return law;
    }
}
