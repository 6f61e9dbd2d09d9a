using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>All that a denoiser is asked with: a batch of samples, their timesteps and their conditioning.</summary>
public sealed record DenoiserCall
{
    private static readonly Dictionary<string, OnnxTensor> None = [];

    /// <summary>N, the number of samples.</summary>
    public required int Count { get; init; }

    /// <summary>x_t of all samples: N·C·H·W numbers.</summary>
    public required float[] Samples { get; init; }

    /// <summary>The timesteps, whole or not: one for all samples, or one for each.</summary>
    public required IReadOnlyList<double> Timesteps { get; init; }

    /// <summary>The class of each sample, for models with a class input.</summary>
    public IReadOnlyList<int>? ClassLabels { get; init; }

    /// <summary>Values of the other inputs by name. Where the first dimension is N it runs over the samples; where it is not,
    /// the value is the same for all.</summary>
    public IReadOnlyDictionary<string, OnnxTensor> Conditioning { get; init; } = None;

    /// <summary>Two calls of as many samples as one, the first call's samples first.</summary>
    /// <returns>Null where their conditioning differs in shape, or in what is the same for all samples.</returns>
    internal static DenoiserCall? TryJoin(DenoiserContract contract, DenoiserCall first, DenoiserCall second)
    {
        var conditioning = new Dictionary<string, OnnxTensor>(StringComparer.Ordinal);
        foreach (var input in contract.Conditioning)
        {
            var (name, hasRows) = (input.Name, ConditioningSet.HasRows(contract, input));
            var (mine, theirs) = (first.Conditioning[name], second.Conditioning[name]);
            if (hasRows && mine.ElementType == theirs.ElementType && mine.Dims.SequenceEqual(theirs.Dims))
            {
                conditioning[name] = TensorRows.Join([mine, theirs]);
            }
            else if (!hasRows && ReferenceEquals(mine, theirs))
            {
                conditioning[name] = mine;
            }
            else
            {
                return null;
            }
        }

        return first with
        {
            Count = first.Count + second.Count,
            Samples = [.. first.Samples, .. second.Samples],
            Timesteps =
                first.Timesteps.SequenceEqual(second.Timesteps) && first.Timesteps.Count == 1
                    ? first.Timesteps
                    :
                    [
                        .. Enumerable.Range(0, first.Count).Select(first.TimestepOf),
                        .. Enumerable.Range(0, second.Count).Select(second.TimestepOf),
                    ],
            ClassLabels = first.ClassLabels is null ? null : [.. first.ClassLabels, .. second.ClassLabels!],
            Conditioning = conditioning,
        };
    }

    /// <summary>The timestep of a sample.</summary>
    /// <param name="index">The sample's number in the batch.</param>
    public double TimestepOf(int index) => Timesteps[Timesteps.Count == 1 ? 0 : index];

    /// <summary>The call for some of the samples.</summary>
    /// <param name="rows">Numbers of samples in the batch; one may come more than once.</param>
    public DenoiserCall Take(params ReadOnlySpan<int> rows) => Take(rows, static _ => true);

    /// <summary>The call for some of the samples.</summary>
    /// <param name="rows">Numbers of samples in the batch; one may come more than once.</param>
    /// <param name="hasRows">Says of an input's name whether it has a row for each sample.</param>
    internal DenoiserCall Take(ReadOnlySpan<int> rows, Predicate<string> hasRows)
    {
        var size = Samples.Length / Count;
        var samples = new float[rows.Length * size];
        var timesteps = new double[rows.Length];
        var labels = ClassLabels is null ? null : new int[rows.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            Samples.AsSpan(rows[i] * size, size).CopyTo(samples.AsSpan(i * size));
            timesteps[i] = TimestepOf(rows[i]);
            labels?[i] = ClassLabels![rows[i]];
        }

        var conditioning = new Dictionary<string, OnnxTensor>(StringComparer.Ordinal);
        foreach (var (name, value) in Conditioning)
        {
            var takes = value.Rank > 0 && value.Dims[0] == Count && hasRows(name);
            conditioning[name] = takes ? TensorRows.Take(value, rows) : value;
        }

        return this with
        {
            Count = rows.Length,
            Samples = samples,
            Timesteps = timesteps,
            ClassLabels = labels,
            Conditioning = conditioning,
        };
    }
}
