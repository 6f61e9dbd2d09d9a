using System.Globalization;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Benchmarks;

/// <summary>Makes what real pictures' features are, which lies beside the judge.</summary>
internal static class ClothesReference
{
    public static int Run(string[] options)
    {
        var articles = BenchmarkOptions.Option(
            options,
            "--articles",
            RepositoryFolder.PathOf("artifacts", "datasets", "fashion-mnist", "fashion-mnist.npy")
        );
        var count = int.Parse(BenchmarkOptions.Option(options, "--images", "20000"), CultureInfo.InvariantCulture);
        var judge = RepositoryFolder.PathOf("benchmarks", "models", "sd-clothes", "judge");
        var source = new ClothesPictures([.. ImageSources.Open(articles).Read()], count);
        using var extractor = FeatureExtractor.Load(judge);
        // Mean and covariance are all that a Fréchet distance needs, and rows of single pictures would be megabytes.
        var made = ReferenceStatistics.Make("clothes", source, extractor, new() { ReservoirSize = 0 });
        made.Save(Path.Combine(judge, ClothesJudge.ReferenceName));
        Console.WriteLine($"{made.Images} pictures of {articles}, {made.Identity.Sha256[..12]}");
        return 0;
    }
}
