using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>What text encoders make of a request's prompts; encoders of one content are asked once.</summary>
internal sealed class EncodedPrompts(EvaluationRequest request, TrajectorySettings settings)
{
    private readonly Dictionary<string, ConditioningSet> encoded = new(StringComparer.Ordinal);

    /// <summary>The states that a model's encoders give, beside the request's other conditioning.</summary>
    public ConditioningSet Of(DiffusionModel model)
    {
        var identity = IdentityOf(model);
        if (!encoded.TryGetValue(identity, out var states))
        {
            states = PromptEncoder.EncodeFile(
                model,
                request.Prompts!,
                settings.GuidanceScale,
                settings.Conditioning,
                new() { Session = request.Session }
            );
            encoded.Add(identity, states);
        }

        return states;
    }

    /// <summary>What decides them.</summary>
    public static string IdentityOf(DiffusionModel model)
    {
        using var encoder = PromptEncoder.Of(model);
        return encoder.ContentSha256();
    }
}
