using System.Diagnostics;
using System.Globalization;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Quantization.Passes;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Training;

/// <summary>Trains the network as a whole, with its quantizers in it, to give what a teacher says.</summary>
/// <param name="state">Graph and plan.</param>
/// <param name="settings">What is learned, and how.</param>
/// <param name="pass">The pass, for messages and checkpoints.</param>
/// <param name="context">Device, progress, cancellation.</param>
internal sealed class NetworkTrainer(
    QuantizationState state,
    NetworkTrainingSettings settings,
    string pass,
    PassContext context
)
{
    private const int ProbeSteps = 3;
    private const int LeastIterationsToOptimize = 300;

    /// <summary>How long a killed run may have worked for nothing.</summary>
    public TimeSpan BetweenCheckpoints { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Measures a network while it is trained, in dB, so that the best one is kept; null keeps the last.</summary>
    public NetworkMeasure? Measure { get; init; }

    /// <summary>Makes the teacher of a batch; null for the float network on its own trajectories.</summary>
    public Func<int, ITeacher>? Teacher { get; init; }

    /// <summary>Trains.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1099: the loss is not finite any more. DQ4030 to DQ4032: the
    /// network cannot be differentiated.</exception>
    public TrainedNetwork Run()
    {
        var contract = state.Source.Contract;
        var batch = contract.FixedBatch ?? (contract.ClassLabelIsShared ? 1 : settings.BatchSize);
        var features = settings.Relation is null ? null : NetworkFeatures.Find(state);
        using var teacher =
            Teacher?.Invoke(batch)
            ?? new TeacherTrajectories(state, batch, features, settings.Relation?.Window ?? 1, context);
        var windows = Enumerable
            .Range(0, features is null ? 0 : teacher.StepsPerMove)
            .Select(_ => new FeatureWindow(settings.Relation!.Window - 1))
            .ToArray();
        var progress = new TrainingProgress(
            windows,
            [.. state.Plan.Normalized.SelectMany(n => (float[])[n.Mean, n.Deviation])]
        );
        var checkpoint = new TrainingCheckpoint(context.WorkFolder, pass);
        var from = checkpoint.Find(progress);
        // The batches of a move are made together, so that a run can go on between two moves.
        using var steps = teacher
            .From((from?.Step ?? 0) * settings.BatchesPerStep / teacher.StepsPerMove, context.Cancellation)
            .GetEnumerator();
        steps.MoveNext();
        var graph = DistillationGraph.Build(state, settings, steps.Current.Call, features);
        using var session = new TrainingSession(graph.Graph, settings.Iterations, Session, from);
        using var feed = new Feed(graph, session, contract, progress);
        Func<string, float[]> read = settings.ReadsAverages ? session.ReadAverage : session.Read;
        Train(session, teacher.StepsPerMove, steps, feed, progress, checkpoint, graph, read);
        return progress.Best.Count > 0
            ? graph.Parts.Read(n => progress.Best[n], progress.Best[TrainingProgress.RunningName])
            : graph.Parts.Read(read, progress.Running);
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
        TrainingProgress progress,
        TrainingCheckpoint checkpoint,
        DistillationGraph graph,
        Func<string, float[]> read
    )
    {
        if (IsFinished())
        {
            return;
        }

        var begun = session.Step;
        var started = 0L;
        var saved = Stopwatch.GetTimestamp();
        var recent = 0.0;
        // Batches since the step began, and since the move began: a run can go on where both begin.
        var (ofStep, ofMove) = (0, 0);
        var loss = 0f;
        do
        {
            context.Cancellation.ThrowIfCancellationRequested();
            loss += feed.Run(steps.Current, context.Cancellation) / settings.BatchesPerStep;
            if (!float.IsFinite(loss))
            {
                throw QuantizationErrors.TrainingDiverged(state.Source.ModelPath, pass, session.Step);
            }

            ofMove = (ofMove + 1) % stepsPerMove;
            ofStep = (ofStep + 1) % settings.BatchesPerStep;
            if (ofStep > 0)
            {
                continue;
            }

            recent = session.Step == begun + 1 ? loss : (0.95 * recent) + (0.05 * loss);
            loss = 0;
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
                    $"step {session.Step} of {settings.Iterations}, loss {recent:G4}{Quality(progress)}"
                )
            );
            if (ofMove > 0)
            {
                continue;
            }

            if (Measure is { } measure && (session.Step % measure.Every < stepsPerMove || AreStepsDone()))
            {
                MeasureNow(measure);
            }

            if (IsFinished() || Stopwatch.GetElapsedTime(saved) > BetweenCheckpoints)
            {
                checkpoint.Save(session.State, progress);
                saved = Stopwatch.GetTimestamp();
            }

            if (IsFinished())
            {
                return;
            }
        } while (steps.MoveNext());

        bool AreStepsDone() => session.Step >= settings.Iterations;

        bool IsFinished() => AreStepsDone() || (Measure is { } m && progress.HasStopped(m.Patience));

        void MeasureNow(NetworkMeasure measure)
        {
            if (progress.Add(measure.Of(graph.Parts.Read(read, progress.Running))))
            {
                progress.Best = graph.Parts.Parameters.ToDictionary(p => p.Name, p => read(p.Name), StringComparer.Ordinal);
                progress.Best[TrainingProgress.RunningName] = [.. progress.Running];
            }
        }
    }

    private static string Quality(TrainingProgress progress) =>
        progress.Measured.Count == 0
            ? ""
            : string.Create(CultureInfo.InvariantCulture, $", SQNR {progress.Measured[^1]:F1} dB");

    private void NoteCost(TrainingSession session, int batch, TimeSpan step)
    {
        var left = step * (settings.Iterations - session.Step);
        context.Note(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{pass}: {settings.Iterations} steps of {batch * settings.BatchesPerStep} samples, {step.TotalMilliseconds:F0} ms each, about {Math.Max(1, Math.Round(left.TotalMinutes))} min"
            )
        );
    }

    private static int Size(long[] dims) => checked((int)dims.Aggregate(1L, (a, b) => a * b));

    /// <summary>Gives the training graph what a step needs.</summary>
    private sealed class Feed : IDisposable
    {
        private readonly DistillationGraph graph;
        private readonly TrainingSession session;
        private readonly DenoiserContract contract;
        private readonly TrainingProgress progress;
        private readonly float[] target;
        private readonly float[] features;
        private readonly float[] older;
        private readonly OrtValue targetTensor;
        private readonly OrtValue featuresTensor;
        private readonly OrtValue olderTensor;

        public Feed(
            DistillationGraph graph,
            TrainingSession session,
            DenoiserContract contract,
            TrainingProgress progress
        )
        {
            this.graph = graph;
            this.session = session;
            this.contract = contract;
            this.progress = progress;
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
                new(DistillationGraph.TargetName, targetTensor),
            };
            FeatureWindow? window = null;
            if (graph.Features is not null)
            {
                window = progress.Windows[step.Half];
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
                    BatchNormalization.Follow(progress.Running, Tensors.ToFloats(outputs[statistics]));
                }
            }
        }

        public void Dispose()
        {
            targetTensor.Dispose();
            featuresTensor.Dispose();
            olderTensor.Dispose();
        }
    }
}
