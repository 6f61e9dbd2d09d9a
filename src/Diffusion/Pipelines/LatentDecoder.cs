using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>Makes images of latents with the decoder of a VAE, or of a VQ model whose graph looks its codes up itself.</summary>
internal sealed class LatentDecoder : IDisposable
{
    private readonly ModelSession session;
    private readonly ValueInfo input;
    private readonly ValueInfo output;
    private readonly LatentScaling scaling;

    private LatentDecoder(ModelSession session, LatentScaling scaling)
    {
        this.session = session;
        this.scaling = scaling;
        input = session.Inputs[0];
        output = session.Outputs[0];
    }

    /// <summary>Loads a decoder.</summary>
    public static LatentDecoder Load(string path, DenoiserContract denoiser, SessionSettings settings)
    {
        var scaling = LatentScaling.Of(path, denoiser);
        var session = ModelSession.Load(path, settings);
        if (session.Inputs is [{ Shape.Rank: 4 }] && session.Outputs.Count > 0)
        {
            return new(session, scaling);
        }

        session.Dispose();
        throw DiffusionErrors.NoImages(denoiser.Path, $"{path} is no VAE decoder: one input N,C,H,W is expected");
    }

    /// <summary>Decodes a batch.</summary>
    /// <param name="latents">N·C·H·W numbers.</param>
    /// <param name="count">N.</param>
    /// <param name="shape">The latents' shape.</param>
    /// <param name="cancellation">Stops the run.</param>
    /// <returns>The images' shape and N·3·8H·8W numbers, −1 to 1.</returns>
    public (SampleShape Shape, float[] Pixels) Decode(
        float[] latents,
        int count,
        SampleShape shape,
        CancellationToken cancellation
    )
    {
        // One at a time: a decoder's activations take far more memory than a denoiser's.
        SampleShape? result = null;
        var images = new List<float[]>(count);
        for (var i = 0; i < count; i++)
        {
            using var value = Tensors.FromFloats(
                scaling.ToDecoder(latents.AsSpan(i * shape.Length, shape.Length), shape.Channels),
                [1, shape.Channels, shape.Height, shape.Width],
                input.ElementType
            );
            using var set = session.Run(
                new Dictionary<string, Microsoft.ML.OnnxRuntime.OrtValue> { [input.Name] = value },
                [output.Name],
                cancellation
            );
            var dims = Tensors.Dims(set[output.Name]);
            if (dims is not [_, 1 or 3, _, _])
            {
                throw DiffusionErrors.NoImages(
                    session.Name,
                    $"the VAE decoder's output is [{string.Join(',', dims)}], not N,3,H,W"
                );
            }

            result = new((int)dims[1], (int)dims[2], (int)dims[3]);
            images.Add(Finite(Tensors.ToFloats(set[output.Name])));
        }

        return (result!.Value, [.. images.SelectMany(p => p)]);
    }

    public void Dispose() => session.Dispose();

    /// <summary>Of NaN, which float16 makes of large numbers, a black picture would come without a word.</summary>
    private float[] Finite(float[] pixels) =>
        pixels.All(float.IsFinite) ? pixels : throw DiffusionErrors.DecoderNotFinite(session.Name);
}
