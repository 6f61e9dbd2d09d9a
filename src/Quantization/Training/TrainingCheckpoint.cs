using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Quantization.Training;

/// <summary>
/// Where a training is, in a folder whose name stands for all that decides its result; a run that was killed goes on from
/// there. The file is written beside and renamed.
/// </summary>
/// <param name="folder">The folder; null keeps nothing.</param>
/// <param name="pass">The pass.</param>
internal sealed class TrainingCheckpoint(string? folder, string pass)
{
    private const string StepName = "step";

    private string Path => System.IO.Path.Combine(folder!, $"{pass.Replace(' ', '-')}.onnx");

    /// <summary>Reads what an earlier run kept.</summary>
    /// <param name="older">Receives the features of earlier steps, for each call of a move.</param>
    /// <returns>The state; null where there is none.</returns>
    public TrainingState? Find(IReadOnlyList<FeatureWindow> older)
    {
        if (folder is null || !File.Exists(Path))
        {
            return null;
        }

        try
        {
            var tensors = OnnxModel.Load(Path).Graph.Initializers;
            var step = checked((int)tensors[StepName].ToInt64s()[0]);
            tensors.Remove(StepName);
            var values = tensors.ToDictionary(t => t.Key, t => t.Value.ToFloats().ToArray(), StringComparer.Ordinal);
            for (var half = 0; half < older.Count; half++)
            {
                for (var i = 0; values.Remove(Older(half, i), out var features); i++)
                {
                    older[half].Add(features);
                }
            }

            return new(step, values);
        }
        catch (Exception e) when (e is DiffusionQuantException or KeyNotFoundException or OverflowException)
        {
            // Another program's, or damaged: training begins again.
            return null;
        }
    }

    /// <summary>Keeps a state.</summary>
    public void Save(TrainingState state, IReadOnlyList<FeatureWindow> older)
    {
        if (folder is null)
        {
            return;
        }

        var graph = new OnnxGraph { Name = pass };
        graph.Add(OnnxTensor.Of(StepName, [(long)state.Step], 1));
        foreach (var (name, values) in state.Tensors)
        {
            graph.Add(OnnxTensor.Of(name, values.AsSpan(), values.Length));
        }

        foreach (var (half, window) in older.Index())
        {
            foreach (var (i, features) in window.Older.Index())
            {
                graph.Add(OnnxTensor.Of(Older(half, i), features.AsSpan(), features.Length));
            }
        }

        Directory.CreateDirectory(folder);
        new OnnxModel(graph) { Opset = 13 }.Save(Path);
    }

    private static string Older(int half, int index) => $"older features {half} {index}";
}
