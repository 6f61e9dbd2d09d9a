using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Artifacts;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>A model's files, read to learn what it is; its sessions are loaded later.</summary>
/// <param name="Path">As the user named it.</param>
/// <param name="Model">The model.</param>
/// <param name="Identity">Its identity.</param>
internal sealed record TestedModel(string Path, DiffusionModel Model, ModelIdentity Identity)
{
    /// <summary>Whether its samples are latents: a decoder makes images of them, or would have to.</summary>
    public bool MakesLatents => Model.VaeDecoderPath is not null || !HasImageChannels;

    /// <summary>Whether its samples are images, or a decoder makes images of them.</summary>
    public bool MakesImages => Model.VaeDecoderPath is not null || HasImageChannels;

    private bool HasImageChannels => Model.SampleShape.Channels is 1 or 3;

    /// <summary>Reads a model.</summary>
    /// <param name="path">A folder or an <c>.onnx</c> file.</param>
    /// <param name="options">What its files leave open.</param>
    /// <param name="name">What to call it; null for its file's or folder's name.</param>
    public static TestedModel Read(string path, ModelOptions options, string? name = null)
    {
        var model = DiffusionModel.Load(path, options);
        return new(
            path,
            model,
            new(
                name ?? ModelIdentity.NameOf(path),
                SourceHash.Of(model.ModelPath, model.Model),
                model.Model.DataFiles.Prepend(model.ModelPath).Sum(f => new FileInfo(f).Length)
            )
        );
    }
}
