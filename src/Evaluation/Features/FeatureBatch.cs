namespace DiffusionQuant.Evaluation.Features;

/// <summary>What an extractor says of some images, one row for each.</summary>
/// <param name="Count">N, the number of images.</param>
/// <param name="Features">N·D features.</param>
/// <param name="Logits">N·K logits of the classes; null where the extractor has none.</param>
/// <param name="Spatial">N·S features of a map, pixel by pixel, channels side by side (the order of the ADM evaluator); null
/// where the extractor has none.</param>
public sealed record FeatureBatch(int Count, float[] Features, float[]? Logits, float[]? Spatial);
