using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Optimizers;

/// <summary>A tensor that training changes.</summary>
/// <param name="Initial">Its first value, float32; its name is the value's name in the graph.</param>
/// <param name="Settings">How it is updated; parameters with equal settings share a learning rate.</param>
public sealed record Parameter(OnnxTensor Initial, AdamSettings Settings)
{
    /// <summary>The value's name in the graph.</summary>
    public string Name => Initial.Name;
}
