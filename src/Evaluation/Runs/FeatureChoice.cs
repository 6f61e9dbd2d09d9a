using DiffusionQuant.Diffusion;
using DiffusionQuant.Evaluation.Features;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>Decides which extractor and which reference distribution metrics use.</summary>
internal static class FeatureChoice
{
    // What the built-in extractor was trained on, and its own data.
    private static readonly SampleShape BuiltInShape = new(1, 32, 32);
    private const string BuiltInReference = "fashion-mnist";

    /// <summary>The extractor that was asked for or suits the images; null, and a note why, where there is none.</summary>
    public static FeatureExtractor? FindExtractor(EvaluationRequest request, TestedModel model, List<string> notes)
    {
        var decoder = model.Model.VaeDecoderPath;
        var shape = model.Model.SampleShape;
        if (decoder is null && shape.Channels is not (1 or 3))
        {
            notes.Add(
                $"No distribution of images was measured: the samples are latents ({shape}), and the model has no VAE decoder."
            );
            return null;
        }

        if (request.Extractor is { } named)
        {
            return FeatureExtractor.Load(named, request.Session);
        }

        if (decoder is null && shape == BuiltInShape)
        {
            return FeatureExtractor.Load(FeatureExtractor.DefaultName, request.Session);
        }

        notes.Add(
            $"No distribution of images was measured: the built-in extractor {FeatureExtractor.DefaultName} is for gray images of 32×32, and these are {(decoder is null ? shape : "decoded from latents")}. Name an extractor and a reference."
        );
        return null;
    }

    /// <summary>The reference that was asked for or belongs to the extractor; null, and a note, where there is none.</summary>
    public static ReferenceStatistics? FindReference(
        EvaluationRequest request,
        FeatureExtractor extractor,
        List<string> notes
    )
    {
        var name = request.Reference ?? (request.Extractor is null ? BuiltInReference : null);
        if (name is null)
        {
            notes.Add(
                "Without a reference set there is no FID against data; the distance to the float model's own images was measured."
            );
            return null;
        }

        return ReferenceStatistics.Load(name, extractor);
    }
}
