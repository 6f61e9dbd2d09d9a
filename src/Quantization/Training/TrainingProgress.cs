namespace DiffusionQuant.Quantization.Training;

/// <summary>What a training carries from step to step besides parameters and their moments.</summary>
/// <param name="windows">The features of earlier steps, for each call of a move.</param>
/// <param name="running">The running averages of normalized values, [2·values].</param>
internal sealed class TrainingProgress(IReadOnlyList<FeatureWindow> windows, float[] running)
{
    /// <summary>The features of earlier steps, for each call of a move.</summary>
    public IReadOnlyList<FeatureWindow> Windows => windows;

    /// <summary>The running averages of normalized values.</summary>
    public float[] Running => running;

    /// <summary>What was measured so far, in dB, one number per measurement.</summary>
    public List<float> Measured { get; } = [];

    /// <summary>The parameters and running averages of the best measurement; empty before the first.</summary>
    public Dictionary<string, float[]> Best { get; set; } = new(StringComparer.Ordinal);

    /// <summary>The running averages' place among <see cref="Best"/>.</summary>
    public const string RunningName = "running averages";

    /// <summary>Takes a measurement.</summary>
    /// <returns>Whether it is the best so far.</returns>
    public bool Add(double decibels)
    {
        var isBest = Measured.Count == 0 || (float)decibels > Measured.Max();
        Measured.Add((float)decibels);
        return isBest;
    }

    /// <summary>Whether so many measurements in turn were no better than the best before them.</summary>
    public bool HasStopped(int patience) =>
        Measured.Count > patience && Measured.Count - 1 - Measured.IndexOf(Measured.Max()) >= patience;
}
