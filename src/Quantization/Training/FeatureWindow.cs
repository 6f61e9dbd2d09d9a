using System.Numerics.Tensors;

namespace DiffusionQuant.Quantization.Training;

/// <summary>
/// The quantized network's features of the steps before the present one, as constants to derivatives: those of each row's
/// own trajectory.
/// </summary>
/// <param name="steps">How many steps before the present one are kept.</param>
internal sealed class FeatureWindow(int steps)
{
    private readonly List<float[]> older = [];

    /// <summary>What is kept, the oldest first.</summary>
    public IReadOnlyList<float[]> Older => older;

    /// <summary>The sum of what is kept, into a given array.</summary>
    public void Sum(Span<float> sum)
    {
        sum.Clear();
        foreach (var features in older)
        {
            TensorPrimitives.Add(sum, features, sum);
        }
    }

    /// <summary>Forgets the rows whose trajectories begin.</summary>
    public void Forget(bool[] begins)
    {
        foreach (var features in older)
        {
            var size = features.Length / begins.Length;
            for (var row = 0; row < begins.Length; row++)
            {
                if (begins[row])
                {
                    features.AsSpan(row * size, size).Clear();
                }
            }
        }
    }

    /// <summary>Adds the features of a step; the oldest go.</summary>
    public void Add(float[] features)
    {
        older.Add(features);
        while (older.Count > steps)
        {
            older.RemoveAt(0);
        }
    }
}
