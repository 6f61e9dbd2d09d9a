using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Benchmarks;

/// <summary>A block whose parameters are tuned.</summary>
/// <param name="Name">What tables call it.</param>
/// <param name="Model">The graph that computes its loss; parameters and inputs are inputs.</param>
/// <param name="Parameters">What is tuned.</param>
/// <param name="Inputs">What is given.</param>
internal sealed record GradientBlock(
    string Name,
    OnnxModel Model,
    IReadOnlyList<Parameter> Parameters,
    IReadOnlyList<OnnxTensor> Inputs
)
{
    public const string Loss = "loss";
    public const float LearningRate = 1e-3f;
}
