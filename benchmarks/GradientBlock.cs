using System.Runtime.InteropServices;
using System.Text.Json;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Benchmarks;

/// <summary>A block whose parameters are tuned.</summary>
/// <param name="Name">What tables call it.</param>
/// <param name="Function">Its function in <c>gradients/step.py</c>.</param>
/// <param name="Model">The graph that computes its loss; parameters and inputs are inputs.</param>
/// <param name="Parameters">What is tuned.</param>
/// <param name="Inputs">What is given.</param>
internal sealed record GradientBlock(
    string Name,
    string Function,
    OnnxModel Model,
    IReadOnlyList<Parameter> Parameters,
    IReadOnlyList<OnnxTensor> Inputs
)
{
    public const string Loss = "loss";
    public const float LearningRate = 1e-3f;

    /// <summary>The size of a whole network; null for a block.</summary>
    public NetworkSize? Network { get; init; }

    /// <summary>Writes parameters and inputs for <see cref="TorchProcess"/>.</summary>
    public void Write(string folder)
    {
        var index = new
        {
            block = Function,
            learning_rate = LearningRate,
            network = Network,
            inputs = Inputs.Select(Describe),
            parameters = Parameters.Select(p => Describe(p.Initial)),
        };
        File.WriteAllText(Path.Combine(folder, "index.json"), JsonSerializer.Serialize(index));
        foreach (var tensor in Inputs.Concat(Parameters.Select(p => p.Initial)))
        {
            File.WriteAllBytes(
                Path.Combine(folder, $"{tensor.Name}.bin"),
                MemoryMarshal.AsBytes(tensor.ToFloats().Span)
            );
        }
    }

    private static object Describe(OnnxTensor tensor) => new { name = tensor.Name, dims = tensor.Dims.ToArray() };
}
