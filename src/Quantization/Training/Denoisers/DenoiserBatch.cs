using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Training.Denoisers;

/// <summary>What one run of a training graph reads, in arrays that are filled anew for each run.</summary>
internal sealed class DenoiserBatch : IDisposable
{
    public DenoiserBatch(SampleShape shape, int count)
    {
        Noisy = new float[count * shape.Length];
        Target = new float[Noisy.Length];
        Timesteps = new long[count];
        long[] dims = [count, shape.Channels, shape.Height, shape.Width];
        Inputs =
        [
            new(DenoiserGraph.SampleName, Tensors.Of(Noisy, dims)),
            new(DenoiserGraph.TimestepName, Tensors.Of(Timesteps, count)),
            new(DenoiserGraph.TargetName, Tensors.Of(Target, dims)),
        ];
    }

    /// <summary>x_t.</summary>
    public float[] Noisy { get; }

    /// <summary>t.</summary>
    public long[] Timesteps { get; }

    /// <summary>What the network is to say.</summary>
    public float[] Target { get; }

    /// <summary>All three as inputs of the graph.</summary>
    public IReadOnlyList<KeyValuePair<string, OrtValue>> Inputs { get; }

    public void Dispose()
    {
        foreach (var (_, value) in Inputs)
        {
            value.Dispose();
        }
    }
}
