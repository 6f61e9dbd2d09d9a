using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Parts;

/// <summary>Calls of a part's network.</summary>
internal static class PartRun
{
    /// <summary>Makes a call, and shows its outputs while they live.</summary>
    public static void With(
        ModelSession session,
        IReadOnlyDictionary<string, OnnxTensor> call,
        string[] outputs,
        Action<TensorSet> show,
        CancellationToken cancellation
    )
    {
        var inputs = new Dictionary<string, OrtValue>(StringComparer.Ordinal);
        try
        {
            foreach (var (name, tensor) in call)
            {
                inputs[name] = Tensors.FromTensor(tensor);
            }

            using var set = session.Run(inputs, outputs, cancellation);
            show(set);
        }
        finally
        {
            foreach (var value in inputs.Values)
            {
                value.Dispose();
            }
        }
    }
}
