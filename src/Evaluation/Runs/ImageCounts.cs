using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>How many images an evaluation takes where nobody says: so many that a build with a small model takes seconds
/// to a minute, and fewer for models whose images cost more. It depends on the model alone, not on the machine.</summary>
internal static class ImageCounts
{
    private const int UsualPaired = 32;
    private const int LeastPaired = 4;
    private const int UsualDistribution = 512;

    // Below, a distribution says nothing.
    private const int LeastDistribution = 128;

    // The cost of a step is about its weights times the pixels they are used on. The models of the literature for 32×32
    // images, up to 160 MB, take the usual numbers.
    private const double UsualCost = 160e6 * 32 * 32;
    private const int UsualBatch = 16;
    private const int NumbersOfBatch = 1 << 16;

    /// <summary>Images that are paired.</summary>
    public static int Paired(long modelBytes, SampleShape shape) =>
        Math.Max(LeastPaired, (int)(UsualPaired * Factor(modelBytes, shape)));

    /// <summary>Images of a distribution; 0 where there would be too few to say anything.</summary>
    public static int Distribution(long modelBytes, SampleShape shape) =>
        (int)(UsualDistribution * Factor(modelBytes, shape)) is >= LeastDistribution and var images ? images : 0;

    /// <summary>Images at a time.</summary>
    public static int Batch(SampleShape shape) => Math.Clamp(NumbersOfBatch / shape.Length, 1, UsualBatch);

    private static double Factor(long modelBytes, SampleShape shape) =>
        Math.Min(1, UsualCost / ((double)modelBytes * shape.Height * shape.Width));
}
