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
    public IEnumerable<(string Before, string After)> Tensors =>
        [(Parameter.Name, NextValue), (Mean, NextMean), (Square, NextSquare)];
}
