using System.Runtime.InteropServices;

namespace DiffusionQuant.Onnx.Building;

/// <summary>
/// Weights from a seed: the same bits on every machine and runtime, because nothing but integer arithmetic, additions
/// and multiplications of floats make them.
/// </summary>
/// <param name="seed">The seed.</param>
public sealed class SeededWeights(ulong seed)
{
    private ulong state = seed;

    /// <summary>
    /// A weight with near-normal elements. Output channels differ in spread by up to a factor of two, as those of
    /// trained networks do, while the mean square over all is <paramref name="gain"/>² / fan-in.
    /// </summary>
    /// <param name="dims">The sizes; the first is the output channels, the product of the others the fan-in.</param>
    /// <param name="gain">1 behind a linear layer; 1.68 keeps the variance behind SiLU.</param>
    /// <param name="type">Float or float16.</param>
    public OnnxTensor Kaiming(ReadOnlySpan<long> dims, float gain = 1, ElementType type = ElementType.Float)
    {
        var fanIn = 1L;
        foreach (var d in dims[1..])
        {
            fanIn *= d;
        }

        var deviation = gain / MathF.Sqrt(fanIn);
        var values = new float[dims[0] * fanIn];
        for (var channel = 0; channel < dims[0]; channel++)
        {
            // E[s²] of the spread s, uniform in [0.65, 1.3], is 0.978: close enough to 1.
            var spread = deviation * (0.975f + (0.325f * Uniform()));
            foreach (ref var value in values.AsSpan((int)(channel * fanIn), (int)fanIn))
            {
                value = spread * Normal();
            }
        }

        return Tensor(values, dims, type);
    }

    /// <summary>Elements uniform in [<paramref name="centre"/> − <paramref name="reach"/>, centre + reach).</summary>
    public OnnxTensor Around(float centre, float reach, ReadOnlySpan<long> dims, ElementType type = ElementType.Float)
    {
        var count = 1L;
        foreach (var d in dims)
        {
            count *= d;
        }

        var values = new float[count];
        foreach (ref var value in values.AsSpan())
        {
            value = centre + (reach * Uniform());
        }

        return Tensor(values, dims, type);
    }

    /// <summary>Float32 numbers as a tensor of float or float16.</summary>
    internal static OnnxTensor Tensor(float[] values, ReadOnlySpan<long> dims, ElementType type)
    {
        if (type == ElementType.Float)
        {
            return OnnxTensor.Of("", values, dims);
        }

        var bytes = new byte[values.Length * 2];
        var halves = MemoryMarshal.Cast<byte, Half>(bytes.AsSpan());
        for (var i = 0; i < values.Length; i++)
        {
            halves[i] = (Half)values[i];
        }

        return new("", type, dims, bytes);
    }

    /// <summary>Uniform in [−1, 1).</summary>
    private float Uniform() => ((int)(Next() >> 40) - (1 << 23)) / (float)(1 << 23);

    /// <summary>The sum of four uniform numbers, scaled to variance 1: normal enough, and free of library functions.</summary>
    private float Normal()
    {
        var bits = Next();
        var sum =
            (int)(bits & 0xFFFF) + (int)((bits >> 16) & 0xFFFF) + (int)((bits >> 32) & 0xFFFF) + (int)(bits >> 48);
        return (sum - 131070) * (1.7320508f / 65536);
    }

    /// <summary>SplitMix64.</summary>
    private ulong Next()
    {
        var z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
