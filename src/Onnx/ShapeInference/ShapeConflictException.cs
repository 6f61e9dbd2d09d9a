namespace DiffusionQuant.Onnx.ShapeInference;

/// <summary>
/// A node whose inputs do not fit it (an axis beyond the rank, sizes that cannot be broadcast). Inference leaves its
/// outputs unknown: the runtime that loads the model has the last word on what is valid.
/// </summary>
internal sealed class ShapeConflictException(string message) : Exception(message);
