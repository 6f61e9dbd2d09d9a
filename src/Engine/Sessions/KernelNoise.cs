using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DiffusionQuant.Engine;

/// <summary>
/// Multiplies every float that ONNX Runtime returns by 1 + size·u, u uniform in −1 to 1: how much of a result hangs on the
/// last digits, in which processors' kernels differ (sums in another order, fused multiplications), can be measured with it
/// on one machine. It is off unless a measurement begins it, and counts for the whole process.
/// </summary>
internal static class KernelNoise
{
    private static float size;
    private static ulong seed;
    private static long runs;

    /// <summary>Begins, or ends where <paramref name="noiseSize"/> is 0.</summary>
    /// <param name="noiseSize">The largest relative change of a value.</param>
    /// <param name="noiseSeed">Another gives other changes.</param>
    public static void Begin(float noiseSize, ulong noiseSeed) => (size, seed, runs) = (noiseSize, noiseSeed, 0);

    /// <summary>Changes what a run returned.</summary>
    public static void Apply(IEnumerable<OrtValue> values)
    {
        if (size == 0)
        {
            return;
        }

        foreach (var value in values)
        {
            if (
                value.IsTensor
                && value.GetTensorTypeAndShape().ElementDataType == TensorElementType.Float
                && value.GetTensorMemoryInfo().Name == "Cpu"
            )
            {
                Change(value.GetTensorMutableDataAsSpan<float>());
            }
        }
    }

    private static void Change(Span<float> values)
    {
        // SplitMix64: each value's draw is that of its place in the run.
        var state = unchecked(((ulong)Interlocked.Increment(ref runs) * 0xD1B54A32D192ED03) + seed);
        foreach (ref var value in values)
        {
            unchecked
            {
                state += 0x9E3779B97F4A7C15;
                var z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
                z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
                value *= 1 + (size * (int)(z >> 32) * (1f / int.MaxValue));
            }
        }
    }
}
