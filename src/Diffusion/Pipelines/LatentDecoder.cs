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

    private readonly string path;
    private readonly PipelineOptions options;
    private readonly int channels;
    private int pixelsPerCell;

    private LatentDecoder(
        string path,
        ModelSession session,
        LatentScaling scaling,
        int channels,
        PipelineOptions options
    )
    {
        this.channels = channels;
        this.path = path;
        this.session = session;
        this.scaling = scaling;
        this.options = options;
        input = session.Inputs[0];
        output = session.Outputs[0];
    }

    /// <summary>Loads a decoder.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="denoiser">What makes the latents.</param>
    /// <param name="options">Device, threads, precision and tiles.</param>
    public static LatentDecoder Load(string path, DenoiserContract denoiser, PipelineOptions options)
    {
        var scaling = LatentScaling.Of(path, denoiser);
        var session = options.DecoderInFloat32
            ? ModelSession.Load(FloatPrecision.ToFloat32(OnnxModel.Load(path)), options.Session)
            : ModelSession.Load(path, options.Session);
        if (FindMisfit(session.Inputs, session.Outputs, denoiser.SampleShape) is not { } misfit)
        {
            return new(path, session, scaling, denoiser.SampleShape.Channels, options);
        }

        session.Dispose();
        throw DiffusionErrors.NoImages(denoiser.Path, $"{path} {misfit}");
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
        SampleShape result = default;
        var images = new List<float[]>(count);
        (int Height, int Width) tile = (Tile(2, shape.Height), Tile(3, shape.Width));
        for (var i = 0; i < count; i++)
        {
            var scaled = scaling.ToDecoder(latents.AsSpan(i * shape.Length, shape.Length), shape.Channels);
            (result, var pixels) =
                tile == (shape.Height, shape.Width)
                    ? Run(scaled, shape, cancellation)
                    : LatentTiles.Decode(scaled, shape, tile, (cells, size) => Run(cells, size, cancellation));
            images.Add(Finite(pixels));
        }

        return (result, [.. images.SelectMany(p => p)]);
    }

    /// <summary>Pixels of a cell's side, as a small picture tells.</summary>
    public int PixelsPerCell(CancellationToken cancellation)
    {
        const int Few = 8;
        if (pixelsPerCell == 0)
        {
            var dims = input.Shape!;
            SampleShape small = new(channels, (int?)dims[2].Value ?? Few, (int?)dims[3].Value ?? Few);
            pixelsPerCell = Run(new float[small.Length], small, cancellation).Shape.Height / small.Height;
        }

        return pixelsPerCell;
    }

    public void Dispose() => session.Dispose();

    /// <summary>Says from its graph alone that a file is no decoder of a model's latents, before anything long begins.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1054: so it is.</exception>
    public static void Check(string path, DenoiserContract denoiser)
    {
        var graph = OnnxModel.Load(path).Graph;
        var inputs = graph.Inputs.Where(i => !graph.Initializers.ContainsKey(i.Name)).ToArray();
        if (FindMisfit(inputs, graph.Outputs, denoiser.SampleShape) is { } misfit)
        {
            throw DiffusionErrors.NoImages(denoiser.Path, $"{path} {misfit}");
        }
    }

    private static string? FindMisfit(
        IReadOnlyList<ValueInfo> inputs,
        IReadOnlyList<ValueInfo> outputs,
        SampleShape latents
    )
    {
        if (inputs is not [{ Shape: { Rank: 4 } shape }] || outputs.Count == 0)
        {
            return "is no VAE decoder: one input N,C,H,W is expected";
        }

        return shape[1].Value is { } channels && channels != latents.Channels
                ? $"is no VAE decoder of this model: it takes latents of {channels} channels, and the model makes {latents}"
            : shape[2].Value > latents.Height || shape[3].Value > latents.Width
                ? $"takes latents of {shape[2]}×{shape[3]} cells only, and the model makes {latents}"
            : null;
    }

    /// <summary>A side of a tile: no more than a graph of one size takes.</summary>
    private int Tile(int axis, int size) =>
        Math.Min((int?)input.Shape![axis].Value ?? options.DecoderTileSize ?? size, size);

    private (SampleShape Shape, float[] Pixels) Run(float[] latents, SampleShape shape, CancellationToken cancellation)
    {
        using var value = Tensors.FromFloats(
            latents,
            [1, shape.Channels, shape.Height, shape.Width],
            input.ElementType
        );
        var inputs = new Dictionary<string, Microsoft.ML.OnnxRuntime.OrtValue> { [input.Name] = value };
        options.PartCalled?.Invoke(PartCall.Of(path, inputs));
        using var set = session.Run(inputs, [output.Name], cancellation);
        var dims = Tensors.Dims(set[output.Name]);
        return dims is [_, 1 or 3, _, _]
            ? (new((int)dims[1], (int)dims[2], (int)dims[3]), Tensors.ToFloats(set[output.Name]))
            : throw DiffusionErrors.NoImages(
                session.Name,
                $"the VAE decoder's output is [{string.Join(',', dims)}], not N,3,H,W"
            );
    }

    /// <summary>Of NaN, which float16 makes of large numbers, a black picture would come without a word.</summary>
    private float[] Finite(float[] pixels) =>
        pixels.All(float.IsFinite) ? pixels : throw DiffusionErrors.DecoderNotFinite(session.Name);
}
