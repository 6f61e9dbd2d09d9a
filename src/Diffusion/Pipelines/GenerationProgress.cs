namespace DiffusionQuant.Diffusion;

/// <summary>How far a generation is.</summary>
/// <param name="ImagesDone">Images that are finished.</param>
/// <param name="ImageCount">All images.</param>
/// <param name="StepsDone">Steps done of the images at work.</param>
/// <param name="StepCount">All steps of an image.</param>
public readonly record struct GenerationProgress(int ImagesDone, int ImageCount, int StepsDone, int StepCount);
