namespace DiffusionQuant.Benchmarks;

/// <summary>A model whose verdict is measured.</summary>
/// <param name="Name">What the table calls it.</param>
/// <param name="Path">Its folder.</param>
/// <param name="Steps">Sampling steps.</param>
/// <param name="Images">Images of distribution metrics.</param>
internal sealed record StabilityModel(string Name, string Path, int Steps, int Images)
{
    /// <summary>Images of paired metrics.</summary>
    public const int PairedImages = 32;

    /// <summary>Arrays for inputs that sampling cannot make up; null for none.</summary>
    public string? Conditioning { get; init; }

    /// <summary>The extractor of distribution metrics; null for the built-in one.</summary>
    public string? Extractor { get; init; }

    /// <summary>The two models that lie in the repository: an unconditional one of gray images, and one that text leads, of latents.</summary>
    public static IReadOnlyList<StabilityModel> All
    {
        get
        {
            var clothes = RepositoryFolder.PathOf("benchmarks", "models", "sd-clothes");
            return
            [
                new("ddpm-fashion", QualityBenchmark.SampleModel(), 20, 128),
                new("sd-clothes", QualityBenchmark.SampleModel("TextToImage/Models/sd-clothes"), 20, 128)
                {
                    Conditioning = System.IO.Path.Combine(clothes, "states.npz"),
                    Extractor = System.IO.Path.Combine(clothes, "judge"),
                },
            ];
        }
    }
}
