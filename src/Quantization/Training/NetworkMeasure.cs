namespace DiffusionQuant.Quantization.Training;

/// <summary>How a network is measured while it is trained.</summary>
/// <param name="Of">Its quality, in dB.</param>
/// <param name="Every">After how many steps again.</param>
/// <param name="Patience">Training stops when so many measurements in turn were no better than the best before.</param>
internal sealed record NetworkMeasure(Func<TrainedNetwork, double> Of, int Every, int Patience);
