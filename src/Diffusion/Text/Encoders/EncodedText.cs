namespace DiffusionQuant.Diffusion;

/// <summary>What a text encoder gave for one text.</summary>
/// <param name="States">Length·Width numbers, or none.</param>
/// <param name="Width">The states' width.</param>
/// <param name="Vector">The vector that was asked for, or none.</param>
/// <param name="Used">How many tokens do more than fill up.</param>
internal sealed record EncodedText(float[] States, int Width, float[] Vector, int Used);
