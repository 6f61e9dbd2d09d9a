using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Tests;

/// <summary>Runs models in ONNX Runtime.</summary>
internal static class Runs
{
    public static float[] Single(
        OnnxModel model,
        string output,
        params (string Name, float[] Values, long[] Dims)[] inputs
    )
    {
        using var session = ModelSession.Load(model);
        var values = inputs.ToDictionary(i => i.Name, i => Tensors.Of(i.Values, i.Dims));
        using var outputs = session.Run(values, [output]);
        var result = Tensors.ToFloats(outputs[output]);
        foreach (var value in values.Values)
        {
            value.Dispose();
        }

        return result;
    }

    public static float[] UNet(
        OnnxModel model,
        float[] sample,
        long[] dims,
        long[] timesteps,
        SessionSettings? settings = null
    )
    {
        using var session = ModelSession.Load(model, settings);
        using var x = Tensors.Of(sample, dims);
        using var t = Tensors.Of(timesteps, timesteps.Length);
        using var outputs = session.Run(new Dictionary<string, OrtValue> { ["sample"] = x, ["timestep"] = t });
        return Tensors.ToFloats(outputs["out_sample"]);
    }

    /// <summary>Inputs of a U-Net, for the time of a call.</summary>
    public static void WithInputs(
        float[] sample,
        long[] dims,
        long[] timesteps,
        Action<IReadOnlyDictionary<string, OrtValue>> run
    )
    {
        using var x = Tensors.Of(sample, dims);
        using var t = Tensors.Of(timesteps, timesteps.Length);
        run(new Dictionary<string, OrtValue> { ["sample"] = x, ["timestep"] = t });
    }

    /// <summary>The operators of the graph that ONNX Runtime really runs, with their number.</summary>
    public static IReadOnlyDictionary<string, int> OptimizedOperators(OnnxModel model)
    {
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".onnx");
        try
        {
            ModelSession.Load(model, new() { OptimizedModelPath = path }).Dispose();
            return OnnxModel.Load(path).Graph.Nodes.GroupBy(n => n.OpType).ToDictionary(g => g.Key, g => g.Count());
        }
        finally
        {
            File.Delete(path);
        }
    }
}
