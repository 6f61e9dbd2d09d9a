using System.Numerics.Tensors;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Calibration;

/// <summary>
/// Chooses samples that stand for many, by density + λ·diversity of their features in the middle of the network.
/// </summary>
/// <remarks>
/// From EDA-DM (Liu et al. 2024) are the two terms, their sum with λ = 1.2, and the place of the features. Ours is how the
/// terms are measured and that samples are chosen one by one:
/// features are channels' means, each divided by its deviation; D is the mean distance of two samples; the density of a
/// sample is the mean of 1/(1 + (d/D)²) over its distances d to all samples; its diversity is the distance to the nearest one
/// already chosen, as a part of D and at most 1. The sample with the largest sum comes next. So the choice may shift the law
/// of timesteps towards where samples differ more.
/// </remarks>
internal static class RepresentativeSamples
{
    /// <summary>The weight of diversity in EDA-DM.</summary>
    public const double UsualDiversity = 1.2;

    // All distances of a group are held: 64 MB of them.
    private const int MostOfGroup = 4096;

    /// <summary>The numbers of the chosen samples, rising.</summary>
    /// <param name="features">A vector for each sample.</param>
    /// <param name="wanted">How many to choose.</param>
    /// <param name="diversity">λ.</param>
    public static int[] Select(float[][] features, int wanted, double diversity = UsualDiversity)
    {
        var scaled = Scaled(features);
        var groups = (features.Length + MostOfGroup - 1) / MostOfGroup;
        var chosen = new List<int>();
        for (var group = 0; group < groups; group++)
        {
            // Every n-th sample, so that each group is like the whole.
            int[] rows = [.. Enumerable.Range(0, features.Length).Where(i => i % groups == group)];
            var share = (int)(((long)wanted * (group + 1) / groups) - ((long)wanted * group / groups));
            chosen.AddRange(Choose([.. rows.Select(r => scaled[r])], share, diversity).Select(i => rows[i]));
        }

        return [.. chosen.Order()];
    }

    /// <summary>The chosen of a group, in the order in which they were chosen.</summary>
    internal static IReadOnlyList<int> Choose(float[][] features, int wanted, double diversity)
    {
        var count = features.Length;
        var distances = new float[count][];
        Workers.For(0, count, i => distances[i] = [.. features.Select(f => PortableSums.Distance(features[i], f))]);
        var mean = distances.Sum(row => row.Sum(d => (double)d)) / Math.Max((double)count * (count - 1), 1);
        // Where all samples are alike, any choice is as good.
        var unit = mean > 0 ? mean : 1;
        double[] density = [.. distances.Select(row => row.Average(d => 1 / (1 + (d / unit * (d / unit)))))];
        double[] nearest = [.. Enumerable.Repeat(unit, count)];
        var isChosen = new bool[count];
        var chosen = new List<int>(wanted);
        while (chosen.Count < wanted)
        {
            var best = -1;
            for (var i = 0; i < count; i++)
            {
                if (!isChosen[i] && (best < 0 || Score(i) > Score(best)))
                {
                    best = i;
                }
            }

            isChosen[best] = true;
            chosen.Add(best);
            for (var i = 0; i < count; i++)
            {
                nearest[i] = Math.Min(nearest[i], distances[best][i]);
            }
        }

        return chosen;

        double Score(int i) => density[i] + (diversity * nearest[i] / unit);
    }

    /// <summary>Features whose every element has the deviation 1, so that no channel counts more than another.</summary>
    private static float[][] Scaled(float[][] features)
    {
        var length = features[0].Length;
        var (sums, squares) = (new double[length], new double[length]);
        foreach (var feature in features)
        {
            for (var i = 0; i < length; i++)
            {
                sums[i] += feature[i];
                squares[i] += (double)feature[i] * feature[i];
            }
        }

        var factors = new float[length];
        for (var i = 0; i < length; i++)
        {
            var mean = sums[i] / features.Length;
            var variance = (squares[i] / features.Length) - (mean * mean);
            factors[i] = variance > 0 ? (float)(1 / Math.Sqrt(variance)) : 0;
        }

        return Array.ConvertAll(
            features,
            feature =>
            {
                var scaled = new float[length];
                TensorPrimitives.Multiply(feature, factors, scaled);
                return scaled;
            }
        );
    }
}
