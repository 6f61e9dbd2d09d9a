namespace DiffusionQuant.Evaluation.Metrics;

/// <summary>A kernel distance.</summary>
/// <param name="Mean">The mean over subsets; below 0 where the sets are closer than chance has it.</param>
/// <param name="Deviation">The standard deviation over subsets (with their number as the divisor, as torch-fidelity has it).</param>
/// <param name="Subsets">How many subsets were taken.</param>
/// <param name="SubsetSize">How many features of each set a subset has.</param>
public sealed record KernelDistanceResult(double Mean, double Deviation, int Subsets, int SubsetSize);
