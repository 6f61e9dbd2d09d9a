using System.Globalization;
using DiffusionQuant.Quantization.Artifacts;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>The pictures to look at, in a folder beside the report.</summary>
internal static class SamplePictures
{
    private const string FolderName = "samples";

    /// <summary>Writes the pairs that were kept, in place of what an earlier evaluation left.</summary>
    public static IReadOnlyList<SamplePair> Write(
        PairedStatistics paired,
        IReadOnlyList<string>? prompts,
        string folder
    )
    {
        var target = Path.Combine(folder, FolderName);
        if (Directory.Exists(target))
        {
            Directory.Delete(target, recursive: true);
        }

        var pairs = new List<SamplePair>();
        foreach (var image in paired.Images.Where(i => i.FloatPng is not null && i.QuantizedPng is not null))
        {
            var number = image.Index.ToString("0000", CultureInfo.InvariantCulture);
            var exact = $"{FolderName}/{number}-float.png";
            var quantized = $"{FolderName}/{number}-quantized.png";
            AtomicFile.Write(Path.Combine(folder, exact), stream => stream.Write(image.FloatPng));
            AtomicFile.Write(Path.Combine(folder, quantized), stream => stream.Write(image.QuantizedPng));
            pairs.Add(new(image.Index, exact, quantized, image.Psnr!.Value, prompts?[image.Index % prompts.Count]));
        }

        return pairs;
    }
}
