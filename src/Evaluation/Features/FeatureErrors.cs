using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Features;

/// <summary>The failures of extractors and references: codes DQ3020 to DQ3049, but for those of images
/// (<see cref="Quantization.Datasets.DatasetErrors"/>) and of CLIP models (<see cref="Clip.ClipErrors"/>).</summary>
internal static class FeatureErrors
{
    [Diagnostic("DQ3020")]
    public static DiffusionQuantException ExtractorNotFound(string nameOrPath) =>
        new(
            "DQ3020",
            $"{nameOrPath}: there is no such extractor. Name '{FeatureExtractor.DefaultName}', which is built in, a folder with {ExtractorSettings.FileName}, or an .onnx file."
        );

    [Diagnostic("DQ3021")]
    public static DiffusionQuantException BadSettings(string path, string why, Exception? cause = null) =>
        new("DQ3021", $"{path}: this does not describe an extractor: {why}. Correct the file.", cause);

    [Diagnostic("DQ3022")]
    public static DiffusionQuantException ModelDoesNotFit(string path, string why) =>
        new(
            "DQ3022",
            $"{path}: this network cannot be used as an extractor: {why}. Describe its input and outputs in {ExtractorSettings.FileName} in the same folder."
        );

    [Diagnostic("DQ3023")]
    public static DiffusionQuantException OtherWeights(string path, string recorded, string actual) =>
        new(
            "DQ3023",
            $"{path}: the network's weights are not those that {ExtractorSettings.FileName} records (SHA-256 {actual}, not {recorded}). Import the extractor again, or remove weightsSha256 and sourceSha256 where the network was changed on purpose."
        );

    [Diagnostic("DQ3024")]
    public static DiffusionQuantException ImageDoesNotFit(string extractor, RasterImage image, string why) =>
        new("DQ3024", $"The extractor {extractor} cannot take {image.Source ?? "a generated image"}: {why}.");

    [Diagnostic("DQ3025")]
    public static DiffusionQuantException FeaturesNotFinite(string extractor, int image) =>
        new(
            "DQ3025",
            $"The extractor {extractor} gives features that are not finite for image {image} of a batch. Check the network (float16 overflow is the usual cause) and the value range in {ExtractorSettings.FileName}."
        );

    [Diagnostic("DQ3029")]
    public static DiffusionQuantException TooFewImages(string path, long images) =>
        new("DQ3029", $"{path}: {images} images are too few for statistics. Give at least 2.");

    [Diagnostic("DQ3030")]
    public static DiffusionQuantException BadReference(string path, string why, Exception? cause = null) =>
        new(
            "DQ3030",
            $"{path}: this is no readable reference: {why}. Make it again with 'diffquant reference make'.",
            cause
        );

    [Diagnostic("DQ3031")]
    public static DiffusionQuantException ReferenceOfOtherExtractor(string path, string theirs, string ours) =>
        new(
            "DQ3031",
            $"{path}: the reference was made with another extractor ({theirs}), and its features cannot be compared with those of {ours}. Make it again with this extractor: 'diffquant reference make'."
        );

    [Diagnostic("DQ3034")]
    public static DiffusionQuantException CannotWrite(string path, string why, Exception? cause = null) =>
        new("DQ3034", $"{path}: this cannot be written: {why} Check the folder and its permissions.", cause);
}
