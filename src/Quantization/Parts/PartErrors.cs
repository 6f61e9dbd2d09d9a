using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Quantization.Parts;

/// <summary>The failures of a pipeline's other parts: codes DQ1170 to DQ1179.</summary>
internal static class PartErrors
{
    [Diagnostic("DQ1170")]
    public static DiffusionQuantException NoSuchPart(string path, string part, IEnumerable<string> known) =>
        new(
            "DQ1170",
            part is "unet" or "transformer"
                    ? $"{path}: '{part}' is the denoiser, and its bits are the recipe's: --quantize, or Quantize of the item."
                : known.Any()
                    ? $"{path}: the pipeline has no part '{part}' with a graph.{(NearMatch.Of(part, [.. known]) is { } meant ? $" Did you mean '{meant}'?" : "")} Name one of {string.Join(", ", known.Order(StringComparer.Ordinal))}."
                : $"{path}: 'parts' names '{part}', but only the denoiser is there. Name the whole folder of the pipeline, or leave 'parts' out."
        );

    [Diagnostic("DQ1171")]
    public static DiffusionQuantException NeedsPrompts(string path, string part, string form) =>
        new(
            "DQ1171",
            $"{path}: {part} cannot be calibrated for {form} without prompts. Name a file of prompts (Prompts of the item in a project, --prompts on the command line), or quantize its weights alone: W8A16."
        );

    [Diagnostic("DQ1172")]
    public static DiffusionQuantException NotFinite(string path) =>
        new(
            "DQ1172",
            $"{path}: the part's output is not finite for what the pipeline gives it. Give it more bits, or leave it as it is."
        );
}
