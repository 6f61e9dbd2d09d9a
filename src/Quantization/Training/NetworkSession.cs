using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Engine.Optimizers;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Training;

/// <summary>A network in training: the session of its graph, what a batch feeds it, and what is carried along.</summary>
internal sealed class NetworkSession : IDisposable
{
    private readonly DistillationGraph graph;
    private readonly DenoiserContract contract;
    private readonly TrainingSession session;
    private readonly Func<string, float[]> read;
    private readonly float[] target;
    private readonly float[] features;
    private readonly float[] older;
    private readonly OrtValue targetTensor;
    private readonly OrtValue featuresTensor;
    private readonly OrtValue olderTensor;

    /// <summary>Loads the graph.</summary>
    /// <param name="graph">The graph of a step.</param>
    /// <param name="contract">The network's inputs.</param>
    /// <param name="settings">How it is trained.</param>
    /// <param name="device">Device and threads.</param>
    /// <param name="progress">What is carried along.</param>
    /// <param name="from">Where an earlier session was; null to begin.</param>
    public NetworkSession(
        DistillationGraph graph,
        DenoiserContract contract,
        NetworkTrainingSettings settings,
        SessionSettings device,
        TrainingProgress progress,
        TrainingState? from
    )
    {
        this.graph = graph;
        this.contract = contract;
        Progress = progress;
        session = new(graph.Graph, settings.Iterations, device, from);
        read = settings.ReadsAverages ? session.ReadAverage : session.Read;
        var dims = graph.Features?.Dims ?? [0];
        target = new float[Size(graph.TargetDims)];
        features = new float[Size(dims)];
        older = new float[features.Length];
        targetTensor = Tensors.Of(target, graph.TargetDims);
        featuresTensor = Tensors.Of(features, dims);
        olderTensor = Tensors.Of(older, dims);
    }

    /// <summary>What is carried along besides parameters.</summary>
    public TrainingProgress Progress { get; }

    /// <summary>How many steps were done.</summary>
    public int Step => session.Step;

    /// <summary>Parameters and moments, between two steps.</summary>
    public TrainingState State => session.State;

    /// <summary>The network as it is.</summary>
    public TrainedNetwork Network => graph.Parts.Read(read, Progress.Running);

    /// <summary>The network that was measured best; the present one where none was measured.</summary>
    public TrainedNetwork Best =>
        Progress.Best.Count == 0
            ? Network
            : graph.Parts.Read(n => Progress.Best[n], Progress.Best[TrainingProgress.RunningName]);

    /// <summary>Takes a measurement of the network as it is.</summary>
    public void Take(double decibels)
    {
        if (Progress.Add(decibels))
        {
            Progress.Best = graph.Parts.Parameters.ToDictionary(p => p.Name, p => read(p.Name), StringComparer.Ordinal);
            Progress.Best[TrainingProgress.RunningName] = [.. Progress.Running];
        }
    }

    /// <summary>Trains on a batch.</summary>
    /// <returns>The loss before.</returns>
    public float Run(TeacherStep step, CancellationToken cancellation)
    {
        using var tensors = new DenoiserInputs(contract, step.Call);
        step.Output.CopyTo(target, 0);
        var inputs = new List<KeyValuePair<string, OrtValue>>(
            graph.Inputs.Select(i => KeyValuePair.Create(i, tensors.Values[i]))
        )
        {
            new(DistillationGraph.TargetName, targetTensor),
        };
        FeatureWindow? window = null;
        if (graph.Features is not null)
        {
            window = Progress.Windows[step.Half];
            window.Forget(step.Begins);
            window.Sum(older);
            step.Features!.CopyTo(features, 0);
            inputs.Add(new(RelationLoss.TeacherName, featuresTensor));
            inputs.Add(new(RelationLoss.OlderName, olderTensor));
        }

        return session.Run(inputs, Observe, cancellation);

        void Observe(TensorSet outputs)
        {
            window?.Add(Tensors.ToFloats(outputs[graph.Features!.Value.Name]));
            if (graph.Statistics is { } statistics)
            {
                BatchNormalization.Follow(Progress.Running, Tensors.ToFloats(outputs[statistics]));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        session.Dispose();
        targetTensor.Dispose();
        featuresTensor.Dispose();
        olderTensor.Dispose();
    }

    private static int Size(long[] dims) => checked((int)dims.Aggregate(1L, (a, b) => a * b));
}
