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
    private const string MeasuredName = "measured";
    private const string BestPrefix = "best ";

    private string Path => System.IO.Path.Combine(folder!, $"{pass.Replace(' ', '-')}.onnx");

    /// <summary>Reads what an earlier run kept.</summary>
    /// <param name="progress">Receives what belongs to the training besides its parameters.</param>
    /// <returns>The state; null where there is none.</returns>
    public TrainingState? Find(TrainingProgress progress)
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
            Take(TrainingProgress.RunningName).CopyTo(progress.Running, 0);
            progress.Measured.AddRange(Take(MeasuredName));
            foreach (var name in values.Keys.Where(n => n.StartsWith(BestPrefix, StringComparison.Ordinal)).ToArray())
            {
                progress.Best[name[BestPrefix.Length..]] = Take(name);
            }

            foreach (var (half, window) in progress.Windows.Index())
            {
                for (var i = 0; values.Remove(Older(half, i), out var features); i++)
                {
                    window.Add(features);
                }
            }

            return new(step, values);

            float[] Take(string name) =>
                values.Remove(name, out var taken) ? taken : throw new KeyNotFoundException(name);
        }
        catch (Exception e) when (e is DiffusionQuantException or KeyNotFoundException or OverflowException)
        {
            // Another program's, or damaged: training begins again.
            return null;
        }
    }

    /// <summary>Keeps a state.</summary>
    public void Save(TrainingState state, TrainingProgress progress)
    {
        if (folder is null)
        {
            return;
        }

        var graph = new OnnxGraph { Name = pass };
        graph.Add(OnnxTensor.Of(StepName, [(long)state.Step], 1));
        foreach (var (name, values) in state.Tensors)
        {
            Add(name, values);
        }

        Add(TrainingProgress.RunningName, progress.Running);
        Add(MeasuredName, [.. progress.Measured]);
        foreach (var (name, values) in progress.Best)
        {
            Add($"{BestPrefix}{name}", values);
        }

        foreach (var (half, window) in progress.Windows.Index())
        {
            foreach (var (i, features) in window.Older.Index())
            {
                Add(Older(half, i), features);
            }
        }

        Directory.CreateDirectory(folder);
        new OnnxModel(graph) { Opset = 13 }.Save(Path);

        void Add(string name, float[] values) => graph.Add(OnnxTensor.Of(name, values.AsSpan(), values.Length));
    }

    private static string Older(int half, int index) => $"older features {half} {index}";
}
