namespace DiffusionQuant.Evaluation.Metrics;

/// <summary>
/// Inception Score, exp(E KL(p(y|x) ‖ p(y))) (Salimans et al. 2016, "Improved techniques for training GANs"), as sums that may
/// be taken over parts of a split's images in any order and added. One object is one split.
/// </summary>
public sealed class InceptionScoreSums
{
    private const int Format = 1;
    private const int MaxClasses = 1 << 20;

    private readonly double[] probabilities;
    private double negativeEntropy;

    /// <summary>Sums over no images.</summary>
    /// <param name="classes">How many classes the extractor tells apart.</param>
    public InceptionScoreSums(int classes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(classes, MaxClasses);
        probabilities = new double[classes];
    }

    /// <summary>How many classes there are.</summary>
    public int Classes => probabilities.Length;

    /// <summary>How many images there are.</summary>
    public long Count { get; private set; }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="InvalidDataException">It is nothing of the kind.</exception>
    /// <exception cref="EndOfStreamException">It ends too early.</exception>
    public static InceptionScoreSums Read(BinaryReader reader)
    {
        var format = reader.ReadInt32();
        var classes = reader.ReadInt32();
        var count = reader.ReadInt64();
        if (format != Format || classes is <= 0 or > MaxClasses || count < 0)
        {
            throw new InvalidDataException("These are no sums of an Inception Score, or they are of another version.");
        }

        var result = new InceptionScoreSums(classes) { Count = count, negativeEntropy = reader.ReadDouble() };
        DoubleArrays.Read(reader, result.probabilities);
        return result;
    }

    /// <summary>Adds images.</summary>
    /// <param name="logits">Images·classes numbers in rows, before softmax.</param>
    /// <exception cref="ArgumentException">The last image's logits are not whole.</exception>
    public void Add(ReadOnlySpan<float> logits)
    {
        if (logits.Length % Classes != 0)
        {
            throw new ArgumentException(
                $"{logits.Length} numbers are no whole number of rows of {Classes} classes.",
                nameof(logits)
            );
        }

        for (; !logits.IsEmpty; logits = logits[Classes..])
        {
            AddImage(logits[..Classes]);
        }
    }

    /// <summary>Adds the images of other sums.</summary>
    /// <exception cref="ArgumentException">They have another number of classes.</exception>
    public void Add(InceptionScoreSums other)
    {
        if (other.Classes != Classes)
        {
            throw new ArgumentException(
                $"Sums over {other.Classes} classes cannot be added to {Classes}.",
                nameof(other)
            );
        }

        for (var c = 0; c < probabilities.Length; c++)
        {
            probabilities[c] += other.probabilities[c];
        }

        negativeEntropy += other.negativeEntropy;
        Count += other.Count;
    }

    /// <summary>The score, from 1 to the number of classes.</summary>
    /// <exception cref="InvalidOperationException">There are no images.</exception>
    public double Score()
    {
        if (Count == 0)
        {
            throw new InvalidOperationException("The Inception Score of no images is not defined.");
        }

        var divergence = negativeEntropy / Count;
        foreach (var total in probabilities)
        {
            divergence -= TimesLog(total / Count);
        }

        return Math.Exp(divergence);
    }

    /// <summary>Writes the sums, in the same bytes on every machine.</summary>
    public void Write(BinaryWriter writer)
    {
        writer.Write(Format);
        writer.Write(Classes);
        writer.Write(Count);
        writer.Write(negativeEntropy);
        DoubleArrays.Write(writer, probabilities);
    }

    private void AddImage(ReadOnlySpan<float> logits)
    {
        double largest = System.Numerics.Tensors.TensorPrimitives.Max(logits);
        double total = 0,
            weighted = 0;
        foreach (var logit in logits)
        {
            var power = Math.Exp(logit - largest);
            total += power;
            // Where the power has vanished its product with the logit has too, even where the logit is −∞.
            weighted += power == 0 ? 0 : power * (logit - largest);
        }

        for (var c = 0; c < logits.Length; c++)
        {
            probabilities[c] += Math.Exp(logits[c] - largest) / total;
        }

        // Σ p·ln p with ln p = (logit − largest) − ln total, which stays finite where p does not show in float64.
        negativeEntropy += (weighted / total) - Math.Log(total);
        Count++;
    }

    private static double TimesLog(double p) => p == 0 ? 0 : p * Math.Log(p);
}
