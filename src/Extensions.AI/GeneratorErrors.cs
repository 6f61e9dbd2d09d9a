using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Extensions.AI;

/// <summary>The failures of requests to image generators: codes DQ1160 to DQ1169.</summary>
internal static class GeneratorErrors
{
    [Diagnostic("DQ1160")]
    public static DiffusionQuantException BadOption(string name, string value, string allowed) =>
        new("DQ1160", $"The option {name} of the image generation is {value}; {allowed}. Correct it, or leave it out.");

    [Diagnostic("DQ1161")]
    public static DiffusionQuantException BadOriginal(string why, Exception? cause = null) =>
        new(
            "DQ1161",
            $"The original image cannot be used: {why}. Give one PNG, JPEG, WebP or BMP picture of the size that the model makes, as data.",
            cause
        );
}
