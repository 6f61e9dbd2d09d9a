using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>Makes latents of images with the encoder of a VAE: the mean, where the graph gives mean and variance.</summary>
internal sealed class LatentEncoder : IDisposable
{
    private readonly ModelSession session;
    private readonly ValueInfo input;
    private readonly ValueInfo output;
    private readonly LatentScaling scaling;

    private readonly string path;
    private readonly PipelineOptions options;

    private LatentEncoder(string path, ModelSession session, LatentScaling scaling, PipelineOptions options)
    {
        this.path = path;
        this.options = options;
        this.session = session;
        this.scaling = scaling;
        input = session.Inputs[0];
        output = session.Outputs[0];
    }

    /// <summary>Loads an encoder.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1054: it is none.</exception>
    public static LatentEncoder Load(
        string path,
        LatentScaling scaling,
        DenoiserContract denoiser,
        PipelineOptions options
    )
    {
        var session = ModelSession.Load(path, options.Session);
        if (session.Inputs is [{ Shape.Rank: 4 }] && session.Outputs.Count > 0)
        {
            return new(path, session, scaling, options);
        }

        session.Dispose();
        throw DiffusionErrors.NoImages(denoiser.Path, $"{path} is no VAE encoder: one input N,C,H,W is expected");
    }

    /// <summary>Encodes a picture.</summary>
    /// <param name="picture">H and W are multiples of the latents'; gray ones become RGB.</param>
    /// <param name="latents">What the denoiser takes.</param>
    /// <param name="cancellation">Stops the run.</param>
    /// <returns>C·h·w numbers, as the denoiser takes them.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1058: the picture's size does not fit.</exception>
    public float[] Encode(Picture picture, SampleShape latents, CancellationToken cancellation)
    {
        float[] pixels =
            picture.Channels == 3 ? picture.Pixels : [.. picture.Pixels, .. picture.Pixels, .. picture.Pixels];
        using var value = Tensors.FromFloats(pixels, [1, 3, picture.Height, picture.Width], input.ElementType);
        var inputs = new Dictionary<string, Microsoft.ML.OnnxRuntime.OrtValue> { [input.Name] = value };
        options.PartCalled?.Invoke(PartCall.Of(path, inputs));
        using var set = session.Run(inputs, [output.Name], cancellation);
        var dims = Tensors.Dims(set[output.Name]);
        // Mean and variance lie behind each other.
        if (
            dims is not [1, var channels, var height, var width]
            || (channels != latents.Channels && channels != 2 * latents.Channels)
            || (height, width) != (latents.Height, latents.Width)
        )
        {
            throw DiffusionErrors.BadSettings(
                "image",
                $"of {picture.Width}×{picture.Height} pixels",
                dims is [_, _, > 0 and var high, > 0 and var wide]
                    ? $"the model makes {latents.Width * (picture.Width / wide)}×{latents.Height * (picture.Height / high)}; scale the picture, or ask for its size (GenerationOptions.Size, --size)"
                    : $"its latents are [{string.Join(',', dims)}], and the denoiser takes {latents}"
            );
        }

        return scaling.FromEncoder(Tensors.ToFloats(set[output.Name]).AsSpan(0, latents.Length), latents.Channels);
    }

    public void Dispose() => session.Dispose();
}
