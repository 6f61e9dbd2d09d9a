using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>What a pipeline gave one of its other parts: a text encoder, the VAE's decoder or encoder.</summary>
/// <param name="Part">The part's folder: <c>text_encoder</c>, <c>vae_decoder</c> …</param>
/// <param name="Inputs">All of its inputs by name.</param>
public sealed record PartCall(string Part, IReadOnlyDictionary<string, OnnxTensor> Inputs)
{
    /// <summary>A call of a network's folder, with copies of what it was given.</summary>
    internal static PartCall Of(
        string modelPath,
        IEnumerable<KeyValuePair<string, Microsoft.ML.OnnxRuntime.OrtValue>> inputs
    ) =>
        new(
            Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(modelPath)))!,
            inputs.ToDictionary(i => i.Key, i => Engine.Tensors.ToTensor(i.Key, i.Value), StringComparer.Ordinal)
        );
}
