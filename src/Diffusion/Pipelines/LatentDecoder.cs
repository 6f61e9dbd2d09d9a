using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>Makes images of latents with the decoder of a VAE: decoder(z / scaling_factor + shift_factor).</summary>
internal sealed class LatentDecoder : IDisposable
{
    // Stable Diffusion's, and the default of AutoencoderKL in diffusers.
    private const double UsualScalingFactor = 0.18215;
    private const double SdxlScalingFactor = 0.13025;
    private readonly ModelSession session;
    private readonly ValueInfo input;
    private readonly ValueInfo output;
    private readonly double scalingFactor;
    private readonly double shiftFactor;

    private LatentDecoder(ModelSession session, double scalingFactor, double shiftFactor)
    {
        this.session = session;
        this.scalingFactor = scalingFactor;
        this.shiftFactor = shiftFactor;
        input = session.Inputs[0];
        output = session.Outputs[0];
    }

    /// <summary>Loads a decoder; its factors come from the config.json beside it or in the folder <c>vae</c>.</summary>
    public static LatentDecoder Load(string path, DenoiserContract denoiser, SessionSettings settings)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string[] configs =
        [
            Path.Combine(folder, "config.json"),
            Path.Combine(Path.GetDirectoryName(folder) ?? folder, "vae", "config.json"),
        ];
        var config = configs.Where(File.Exists).Select(JsonConfig.Load).FirstOrDefault();
        if (config is null && denoiser.SampleShape.Channels != 4)
        {
            throw DiffusionErrors.NoImages(
                denoiser.Path,
                $"the scaling_factor of {denoiser.SampleShape.Channels}-channel latents is not known, for the VAE decoder has no config.json"
            );
        }

        var usual = denoiser.Inputs.Any(i => i.Role == DenoiserRole.TimeIds) ? SdxlScalingFactor : UsualScalingFactor;
        var scaling = config?.Number("scaling_factor", usual, n => n > 0, "a positive number is expected") ?? usual;
        var shift = config?.Number("shift_factor", 0, _ => true, "a number is expected") ?? 0;
        var session = ModelSession.Load(path, settings);
        if (session.Inputs is [{ Shape.Rank: 4 }] && session.Outputs.Count > 0)
        {
            return new(session, scaling, shift);
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
        var scaled = Array.ConvertAll(latents, z => (float)((z / scalingFactor) + shiftFactor));
        // One at a time: a decoder's activations take far more memory than a denoiser's.
        SampleShape? result = null;
        var images = new List<float[]>(count);
        for (var i = 0; i < count; i++)
        {
            using var value = Tensors.FromFloats(
                scaled.AsSpan(i * shape.Length, shape.Length),
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
            images.Add(Tensors.ToFloats(set[output.Name]));
        }

        return (result!.Value, [.. images.SelectMany(p => p)]);
    }

    public void Dispose() => session.Dispose();
}
