using System.Diagnostics;
using System.Globalization;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Quantization.Passes;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Training;

/// <summary>Fine-tunes the network as a whole along the float network's trajectories.</summary>
/// <param name="state">Graph and plan.</param>
/// <param name="settings">What is learned, and how.</param>
/// <param name="pass">The pass, for messages and checkpoints.</param>
/// <param name="context">Device, progress, cancellation.</param>
internal sealed class NetworkTrainer(
    QuantizationState state,
    FineTuningSettings settings,
    string pass,
    PassContext context
)
{
    private const int ProbeSteps = 3;
    private const int LeastIterationsToOptimize = 300;

    /// <summary>How long a killed run may have worked for nothing.</summary>
    public TimeSpan BetweenCheckpoints { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Trains.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1099: the loss is not finite any more. DQ4030 to DQ4032: the
    /// network cannot be differentiated.</exception>
    public TrainedNetwork Run()
    {
        var contract = state.Source.Contract;
        var batch = contract.FixedBatch ?? (contract.ClassLabelIsShared ? 1 : settings.BatchSize);
        var features = settings.Relation is null ? null : NetworkFeatures.Find(state);
        using var teacher = new TeacherTrajectories(state, batch, features, settings.Relation?.Window ?? 1, context);
        var windows = Enumerable
            .Range(0, features is null ? 0 : teacher.StepsPerMove)
            .Select(_ => new FeatureWindow(settings.Relation!.Window - 1))
            .ToArray();
        var checkpoint = new TrainingCheckpoint(context.WorkFolder, pass);
        var from = checkpoint.Find(windows);
        // The steps of a move are made together, so that a run can go on between two moves.
        using var steps = teacher.From((from?.Step ?? 0) / teacher.StepsPerMove, context.Cancellation).GetEnumerator();
        steps.MoveNext();
        var graph = FineTuningGraph.Build(state, settings, steps.Current.Call, features);
        using var session = new TrainingSession(graph.Graph, settings.Iterations, Session, from);
        using var feed = new Feed(graph, session, contract, windows);
        Train(session, teacher.StepsPerMove, steps, feed, windows, checkpoint);
        return graph.Parts.Read(session.Read);
    }

    /// <summary>Optimizing a graph of ten thousand nodes takes longer than it saves in a short training.</summary>
    private SessionSettings Session =>
        settings.Iterations < LeastIterationsToOptimize
            ? context.Session with
            {
                Optimization = GraphOptimization.None,
            }
            : context.Session;

    private void Train(
        TrainingSession session,
        int stepsPerMove,
        IEnumerator<TeacherStep> steps,
        Feed feed,
        FeatureWindow[] windows,
        TrainingCheckpoint checkpoint
    )
    {
        if (session.Step >= settings.Iterations)
        {
            return;
        }

        var begun = session.Step;
        var started = 0L;
        var saved = Stopwatch.GetTimestamp();
        var recent = 0.0;
        do
        {
            context.Cancellation.ThrowIfCancellationRequested();
            var loss = feed.Run(steps.Current, context.Cancellation);
            if (!float.IsFinite(loss))
            {
                throw QuantizationErrors.TrainingDiverged(state.Source.ModelPath, pass, session.Step);
            }

            recent = session.Step == begun + 1 ? loss : (0.95 * recent) + (0.05 * loss);
            if (session.Step == begun + 1)
            {
                started = Stopwatch.GetTimestamp();
            }
            else if (session.Step == begun + 1 + ProbeSteps)
            {
                NoteCost(session, steps.Current.Call.Count, Stopwatch.GetElapsedTime(started) / ProbeSteps);
            }

            context.Progress(
                (double)session.Step / settings.Iterations,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"step {session.Step} of {settings.Iterations}, loss {recent:G4}"
                )
            );
            if (session.Step % stepsPerMove != 0)
            {
                continue;
            }

            var isLast = session.Step >= settings.Iterations;
            if (isLast || Stopwatch.GetElapsedTime(saved) > BetweenCheckpoints)
            {
                checkpoint.Save(session.State, windows);
                saved = Stopwatch.GetTimestamp();
            }

            if (isLast)
            {
                return;
            }
        } while (steps.MoveNext());
    }

    private void NoteCost(TrainingSession session, int batch, TimeSpan step)
    {
        var left = step * (settings.Iterations - session.Step);
        context.Note(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{pass}: {settings.Iterations} steps of {batch} samples, {step.TotalMilliseconds:F0} ms each, about {Math.Max(1, Math.Round(left.TotalMinutes))} min"
            )
        );
    }

    private static int Size(long[] dims) => checked((int)dims.Aggregate(1L, (a, b) => a * b));

    /// <summary>Gives the training graph what a step needs.</summary>
    private sealed class Feed : IDisposable
    {
        private readonly FineTuningGraph graph;
        private readonly TrainingSession session;
        private readonly DenoiserContract contract;
        private readonly FeatureWindow[] windows;
        private readonly float[] target;
        private readonly float[] features;
        private readonly float[] older;
        private readonly OrtValue targetTensor;
        private readonly OrtValue featuresTensor;
        private readonly OrtValue olderTensor;

        public Feed(FineTuningGraph graph, TrainingSession session, DenoiserContract contract, FeatureWindow[] windows)
        {
            this.graph = graph;
            this.session = session;
            this.contract = contract;
            this.windows = windows;
            var dims = graph.Features?.Dims ?? [0];
            target = new float[Size(graph.TargetDims)];
            features = new float[Size(dims)];
            older = new float[features.Length];
            targetTensor = Tensors.Of(target, graph.TargetDims);
            featuresTensor = Tensors.Of(features, dims);
            olderTensor = Tensors.Of(older, dims);
        }

        public float Run(TeacherStep step, CancellationToken cancellation)
        {
            using var tensors = new DenoiserInputs(contract, step.Call);
            step.Output.CopyTo(target, 0);
            var inputs = new List<KeyValuePair<string, OrtValue>>(
                graph.Inputs.Select(i => KeyValuePair.Create(i, tensors.Values[i]))
            )
            {
                new(FineTuningGraph.TargetName, targetTensor),
            };
            if (graph.Features is not var (name, _))
            {
                return session.Run(inputs, cancellation: cancellation);
            }

            var window = windows[step.Half];
            window.Forget(step.Begins);
            window.Sum(older);
            step.Features!.CopyTo(features, 0);
            inputs.Add(new(RelationLoss.TeacherName, featuresTensor));
            inputs.Add(new(RelationLoss.OlderName, olderTensor));
            return session.Run(inputs, outputs => window.Add(Tensors.ToFloats(outputs[name])), cancellation);
        }

        public void Dispose()
        {
            targetTensor.Dispose();
            featuresTensor.Dispose();
            olderTensor.Dispose();
        }
    }
}
