namespace DiffusionQuant.Evaluation.Features;

/// <summary>How far the making of a reference is.</summary>
/// <param name="Done">Images whose features are known.</param>
/// <param name="Total">All images; null where that is not known.</param>
public readonly record struct ReferenceProgress(long Done, long? Total);
