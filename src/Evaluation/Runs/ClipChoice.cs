using DiffusionQuant.Evaluation.Features.Clip;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>Decides by which CLIP model pictures are compared with their prompts.</summary>
internal static class ClipChoice
{
    /// <summary>The model that was asked for; null where none was.</summary>
    /// <param name="request">What to measure.</param>
    /// <param name="model">The model under test.</param>
    /// <param name="paired">How many images are paired.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3017: there is nothing that it could compare. Further
    /// codes as of <see cref="ClipModel.Load"/>.</exception>
    public static ClipModel? Find(EvaluationRequest request, TestedModel model, int paired)
    {
        if (request.Clip is not { } folder)
        {
            return null;
        }

        if (request.Prompts is null)
        {
            throw EvaluationErrors.NoClipScore(
                folder,
                "it compares pictures with their prompts, and there are no prompts. Name a file of them (--prompts; Prompts of the item in a project)"
            );
        }

        if (paired == 0)
        {
            throw EvaluationErrors.NoClipScore(
                folder,
                "it is measured on the paired images, and there are none. Name the float model (--float) and a number of paired images (--paired-images; PairedImages of the item)"
            );
        }

        return model.MakesImages
            ? ClipModel.Load(folder)
            : throw EvaluationErrors.NoClipScore(
                folder,
                $"the samples are latents ({model.Model.SampleShape}), and the model has no VAE decoder that makes pictures of them. Put its vae_decoder beside it"
            );
    }
}
