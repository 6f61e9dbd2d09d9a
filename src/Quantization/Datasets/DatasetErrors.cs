using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Quantization.Datasets;

/// <summary>The failures of reading images: codes DQ3026 to DQ3028 and DQ3035 to DQ3037.</summary>
internal static class DatasetErrors
{
    [Diagnostic("DQ3026")]
    public static DiffusionQuantException DataNotFound(string path) =>
        new(
            "DQ3026",
            $"{path}: there is no image data of a known kind here. Name a .npz or .npy file of uint8 images, a CIFAR-10 .bin file or a folder of them, or a folder of images (PNG, JPEG, BMP, WebP, GIF, TIFF, TGA)."
        );

    [Diagnostic("DQ3027")]
    public static DiffusionQuantException BadData(string path, string why, Exception? cause = null) =>
        new("DQ3027", $"{path}: the images cannot be read: {why}. Fetch or make the file again.", cause);

    [Diagnostic("DQ3028")]
    public static DiffusionQuantException BadImage(string path, string why, Exception? cause = null) =>
        new(
            "DQ3028",
            $"{path}: this image cannot be read: {why}. Write or fetch the file again, or take it out of the folder.",
            cause
        );

    [Diagnostic("DQ3035")]
    public static DiffusionQuantException ImagesDoNotFit(string path, string why) =>
        new(
            "DQ3035",
            $"{path}: a network cannot be trained on these images: {why}. Bring all images to one size and, for a network that is there already, to its size and channels."
        );

    [Diagnostic("DQ3036")]
    public static DiffusionQuantException TooManyImages(string path, long needed, long budget) =>
        new(
            "DQ3036",
            $"{path}: training keeps all images in memory, and they take {needed >> 20} MB, more than the {budget >> 20} MB that are allowed. Give fewer or smaller images, or allow more memory (--memory-budget)."
        );

    [Diagnostic("DQ3037")]
    public static DiffusionQuantException FilesSkipped(string folder, int count, string example, long images) =>
        new(
            "DQ3037",
            $"{folder}: {count} of {count + images} files are called like no image and were skipped, {example} for instance. Convert what should count to PNG, JPEG, BMP, WebP, GIF, TIFF or TGA, and keep other files elsewhere."
        );
}
