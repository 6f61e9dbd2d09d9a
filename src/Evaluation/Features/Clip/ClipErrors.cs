using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Evaluation.Features.Clip;

/// <summary>The failures of CLIP models: codes DQ3038 to DQ3041.</summary>
internal static class ClipErrors
{
    [Diagnostic("DQ3038")]
    public static DiffusionQuantException NotFound(string path, string why) =>
        new(
            "DQ3038",
            $"{path}: here is no CLIP model: {why}. Name a folder with {ClipLayout.Whole}, or with {ClipLayout.Text} and {ClipLayout.Vision}, itself or in its folder '{ClipLayout.Inner}', and with the tokenizer's files."
        );

    [Diagnostic("DQ3039")]
    public static DiffusionQuantException DoesNotFit(string path, string why, string signature) =>
        new(
            "DQ3039",
            $"{path}: the CLIP model does not fit: {why}. {signature}. Export it with projections and with the names of Optimum and transformers.js: input_ids, attention_mask, pixel_values; {ClipTower.TextOutput}, {ClipTower.ImageOutput}."
        );

    [Diagnostic("DQ3040")]
    public static DiffusionQuantException BadPreprocessor(string path, string why, Exception? cause = null) =>
        new(
            "DQ3040",
            $"{path}: this does not say how pictures go into a CLIP model: {why}. Copy the file anew from the model's source, or correct it.",
            cause
        );

    [Diagnostic("DQ3041")]
    public static DiffusionQuantException NoDirection(string path, string of, string why) =>
        new(
            "DQ3041",
            $"{path}: the CLIP model's embedding of {of} has no direction: {why}. Check the network (float16 overflow is the usual cause), and mean and deviation in {ClipImageSettings.FileName}."
        );
}
