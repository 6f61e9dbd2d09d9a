using System.Globalization;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Quantization;

/// <summary>The failures of quantizing a model: codes DQ1090 to DQ1099.</summary>
internal static class QuantizationErrors
{
    [Diagnostic("DQ1090")]
    public static DiffusionQuantException UnknownMethod(string name, IEnumerable<string> known) =>
        new("DQ1090", $"There is no method '{name}'. Known methods: {string.Join(", ", known)}.");

    [Diagnostic("DQ1091")]
    public static DiffusionQuantException NothingToQuantize(string path, string why) =>
        new("DQ1091", $"{path}: nothing would be quantized: {why}.");

    [Diagnostic("DQ1092")]
    public static DiffusionQuantException NotFinite(string path, string value, double timestep) =>
        new(
            "DQ1092",
            $"{path}: the float model's value '{value}' is not finite at timestep {TimestepText.Of(timestep)}, so it has no range to quantize. Check the model's outputs in float first; float16 models may overflow: export in float32."
        );

    [Diagnostic("DQ1093")]
    public static DiffusionQuantException AlreadyQuantized(string path) =>
        new(
            "DQ1093",
            $"{path}: the model is quantized already (it has QuantizeLinear or QLinear operators). Quantize the float model it was made from."
        );

    [Diagnostic("DQ1094")]
    public static DiffusionQuantException OpsetTooLow(string path, long opset, long least) =>
        new(
            "DQ1094",
            $"{path}: the model uses opset {opset}; integer operators with a scale per channel need {least} or higher. Export the model with a newer opset."
        );

    [Diagnostic("DQ1095")]
    public static DiffusionQuantException OutputNotFinite(string path, double timestep) =>
        new(
            "DQ1095",
            $"{path}: the quantized model's output is not finite at timestep {TimestepText.Of(timestep)}. Give more bits to the layers with the lowest SQNR (diffquant inspect), or exclude them by a rule."
        );

    [Diagnostic("DQ1096")]
    public static DiffusionQuantException BudgetTooSmall(double budget, double least) =>
        new(
            "DQ1096",
            string.Create(
                CultureInfo.InvariantCulture,
                $"A budget of {budget} bits per weight cannot be held: with the least width that may be chosen, and those that policy and rules ask for, the mean is {Math.Ceiling(least * 1000) / 1000:0.###}. Raise --budget-bits to that, add smaller --widths, or change the policy or the rules."
            )
        );

    [Diagnostic("DQ1097")]
    public static DiffusionQuantException NothingToChoose() =>
        new(
            "DQ1097",
            "Policy and rules give every layer its width, or leave it in float, so there is nothing to search. Take rules away."
        );

    [Diagnostic("DQ1098")]
    public static DiffusionQuantException OtherWeights(string path, string made, string found) =>
        new(
            "DQ1098",
            $"{path}: the recipe was made for other weights ({made[..12]}..., and these are {found[..12]}...), so its widths may not suit this model. Run: diffquant search {path} with the budget that it was made for; or remove weightsSha256 from the recipe to use it as it is."
        );

    [Diagnostic("DQ1099")]
    public static DiffusionQuantException TrainingDiverged(string path, string pass, int step) =>
        new(
            "DQ1099",
            $"{path}: the loss is not finite after {step} steps of '{pass}'. Give more bits to the layers with the lowest SQNR (diffquant inspect), or take another number of steps (Iterations of the item in a project, --iterations on the command line): fewer steps have higher rates."
        );
}
