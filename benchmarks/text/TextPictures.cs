using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Benchmarks;

/// <summary>
/// A model's pictures of prompts, in a file of their bytes: picture k depends on the seed and on k alone, so a run that was
/// killed, or that wants more of them, goes on behind the last whole batch.
/// </summary>
internal static class TextPictures
{
    /// <summary>Pictures at a time.</summary>
    public const int Batch = 10;

    private const int Side = 64;
    private const int Channels = 3;
    private const int Bytes = Side * Side * Channels;

    /// <summary>Makes the pictures that are missing, and reads all.</summary>
    /// <param name="pipeline">The model.</param>
    /// <param name="settings">Sampler, seed, guidance and the prompts' states.</param>
    /// <param name="count">How many.</param>
    /// <param name="path">The file.</param>
    public static IReadOnlyList<RasterImage> Make(
        DiffusionPipeline pipeline,
        TrajectorySettings settings,
        int count,
        string path
    )
    {
        var trajectory = new Trajectory(pipeline.Denoiser, pipeline.Schedule, settings);
        using var file = File.Open(path, FileMode.OpenOrCreate);
        file.Position = file.Length / (Bytes * Batch) * (Bytes * Batch);
        while (file.Position < (long)count * Bytes)
        {
            var images = Enumerable.Range((int)(file.Position / Bytes), Batch).ToArray();
            foreach (var picture in pipeline.Decode(trajectory.Steps(images).Last()))
            {
                file.Write(picture.ToBytes());
            }

            file.Flush();
        }

        file.Position = 0;
        return [.. Enumerable.Range(0, count).Select(_ => Read(file))];
    }

    private static RasterImage Read(FileStream file)
    {
        var pixels = new byte[Bytes];
        file.ReadExactly(pixels);
        return new(Side, Side, Channels, pixels);
    }
}
