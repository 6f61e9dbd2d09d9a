using System.Runtime.InteropServices;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Benchmarks;

/// <summary>What a model's text encoder makes of calibration's prompts, as files that a recipe takes.</summary>
internal static class CalibrationStates
{
    /// <summary>Writes them.</summary>
    /// <param name="encoder">The text encoder.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="folder">Where to.</param>
    /// <returns>What <see cref="Quantization.Recipes.Recipe.Conditioning"/> is to be.</returns>
    public static string Write(PromptEncoder encoder, IEnumerable<ClothesPrompt> prompts, string folder)
    {
        var states = encoder.Encode([.. prompts.Select(p => p.Text)]).ToConditioningSet();
        Directory.CreateDirectory(folder);
        foreach (var array in states.Arrays.Values)
        {
            using var file = File.Create(Path.Combine(folder, $"{array.Name}.npy"));
            new NpyHeader(ElementType.Float, array.Dims.ToArray()).Write(file);
            file.Write(MemoryMarshal.AsBytes(array.ToFloats().Span));
        }

        return folder;
    }
}
