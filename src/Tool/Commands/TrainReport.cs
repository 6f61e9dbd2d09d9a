namespace DiffusionQuant.Tool.Commands;

/// <summary>What <c>train</c> says when it is done.</summary>
/// <param name="Images">The images' path.</param>
/// <param name="Output">The folder.</param>
/// <param name="ImageCount">How many images there were.</param>
/// <param name="Parameters">How many numbers were trained.</param>
/// <param name="Steps">Gradient steps.</param>
/// <param name="Loss">The running mean of the loss at the end.</param>
/// <param name="MillisecondsPerStep">The time of a step.</param>
/// <param name="Device">What computed.</param>
/// <param name="Seconds">The time of the training, of earlier runs too.</param>
internal sealed record TrainReport(
    string Images,
    string Output,
    int ImageCount,
    long Parameters,
    int Steps,
    float Loss,
    double MillisecondsPerStep,
    string Device,
    double Seconds
);
