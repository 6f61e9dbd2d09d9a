using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Quantization.Datasets;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Benchmarks;

/// <summary>The classifier of pictures of clothes: what a picture shows, and its features.</summary>
internal sealed class ClothesJudge : IDisposable
{
    /// <summary>The file with what real pictures' features are, beside the network.</summary>
    public const string ReferenceName = "clothes.dqref";

    private const int Side = 64;
    private const int Channels = 3;
    private static readonly string[] Heads = ["article", "colour", "ground"];
    private readonly ModelSession session;
    private readonly FeatureExtractor extractor;

    /// <summary>Loads it.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="settings">Device and threads.</param>
    public ClothesJudge(string folder, SessionSettings settings)
    {
        // An extractor reads one row of logits, and this network has three.
        session = ModelSession.Load(Path.Combine(folder, "model.onnx"), settings);
        extractor = FeatureExtractor.Load(folder, settings);
        Reference = ReferenceStatistics.Load(Path.Combine(folder, ReferenceName), extractor);
        Shape = StatisticsShape.Of(extractor, Reference);
    }

    /// <summary>What real pictures' features are.</summary>
    public ReferenceStatistics Reference { get; }

    /// <summary>What its features are.</summary>
    public StatisticsShape Shape { get; }

    /// <summary>Looks at pictures.</summary>
    /// <param name="pictures">Pictures of 64×64 RGB pixels.</param>
    /// <param name="prompts">What each should show.</param>
    public (Adherence Adherence, FeatureBatch Features) Look(
        IReadOnlyList<RasterImage> pictures,
        IReadOnlyList<ClothesPrompt> prompts
    )
    {
        var seen = pictures.Select(See).ToArray();
        return (new([.. seen.Zip(prompts, Adherence.IsRight)]), extractor.Extract(pictures));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        session.Dispose();
        extractor.Dispose();
    }

    private int[] See(RasterImage picture)
    {
        using var image = Tensors.Of(picture.ToPicture().Pixels, 1, Channels, Side, Side);
        using var logits = session.Run(new Dictionary<string, OrtValue> { ["image"] = image }, Heads);
        return Array.ConvertAll(Heads, head => IndexOfLargest(Tensors.Floats(logits[head])));
    }

    private static int IndexOfLargest(ReadOnlySpan<float> logits)
    {
        var best = 0;
        for (var i = 1; i < logits.Length; i++)
        {
            best = logits[i] > logits[best] ? i : best;
        }

        return best;
    }
}
