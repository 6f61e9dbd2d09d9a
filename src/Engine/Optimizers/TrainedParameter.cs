namespace DiffusionQuant.Engine.Optimizers;

/// <summary>A parameter's place in a <see cref="TrainingGraph"/>: its value and moments before and after a step.</summary>
internal sealed record TrainedParameter(
    Parameter Parameter,
    string Mean,
    string Square,
    string NextValue,
    string NextMean,
    string NextSquare
)
{
    /// <summary>The moving average before and after a step; null where none is kept.</summary>
    public (string Before, string After)? Average { get; init; }

    public IEnumerable<(string Before, string After)> Tensors =>
        [(Parameter.Name, NextValue), (Mean, NextMean), (Square, NextSquare), .. Averages];

    private IEnumerable<(string Before, string After)> Averages => Average is { } average ? [average] : [];
}
