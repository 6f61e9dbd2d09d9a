using System.Diagnostics;
using System.Globalization;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Passes;

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
        using var network = new NetworkSession(
            graph,
            contract,
            settings,
            context.Session.ForSteps(settings.Iterations),
            progress,
            from
        );
        Train(network, teacher.StepsPerMove, steps, checkpoint);
        return network.Best;
    }

    private void Train(
        NetworkSession network,
        int stepsPerMove,
        IEnumerator<TeacherStep> steps,
        TrainingCheckpoint checkpoint
    )
    {
        if (IsFinished())
        {
            return;
        }

        var begun = network.Step;
        var started = 0L;
        var saved = Stopwatch.GetTimestamp();
        var recent = 0.0;
        // Batches since the step began, and since the move began: a run can go on where both begin.
        var (ofStep, ofMove) = (0, 0);
        var loss = 0f;
        do
        {
            context.Cancellation.ThrowIfCancellationRequested();
            loss += network.Run(steps.Current, context.Cancellation) / settings.BatchesPerStep;
            if (!float.IsFinite(loss))
            {
                throw QuantizationErrors.TrainingDiverged(state.Source.ModelPath, pass, network.Step);
            }

            ofMove = (ofMove + 1) % stepsPerMove;
            ofStep = (ofStep + 1) % settings.BatchesPerStep;
            if (ofStep > 0)
            {
                continue;
            }

            recent = network.Step == begun + 1 ? loss : (0.95 * recent) + (0.05 * loss);
            loss = 0;
            if (network.Step == begun + 1)
            {
                started = Stopwatch.GetTimestamp();
            }
            else if (network.Step == begun + 1 + ProbeSteps)
            {
                NoteCost(network.Step, steps.Current.Call.Count, Stopwatch.GetElapsedTime(started) / ProbeSteps);
            }

            context.Progress(
                (double)network.Step / settings.Iterations,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"step {network.Step} of {settings.Iterations}, loss {recent:G4}{Quality(network.Progress)}"
                )
            );
            if (ofMove > 0)
            {
                continue;
            }

            if (Measure is { } measure && (network.Step % measure.Every < stepsPerMove || AreStepsDone()))
            {
                network.Take(measure.Of(network.Network));
            }

            if (IsFinished() || Stopwatch.GetElapsedTime(saved) > BetweenCheckpoints)
            {
                checkpoint.Save(network.State, network.Progress);
                saved = Stopwatch.GetTimestamp();
            }

            if (IsFinished())
            {
                return;
            }
        } while (steps.MoveNext());

        bool AreStepsDone() => network.Step >= settings.Iterations;

        bool IsFinished() => AreStepsDone() || (Measure is { } m && network.Progress.HasStopped(m.Patience));
    }

    private static string Quality(TrainingProgress progress) =>
        progress.Measured.Count == 0
            ? ""
            : string.Create(CultureInfo.InvariantCulture, $", SQNR {progress.Measured[^1]:F1} dB");

    private void NoteCost(int done, int batch, TimeSpan step)
    {
        var left = step * (settings.Iterations - done);
        context.Note(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{pass}: {settings.Iterations} steps of {batch * settings.BatchesPerStep} samples, {step.TotalMilliseconds:F0} ms each, about {Math.Max(1, Math.Round(left.TotalMinutes))} min"
            )
        );
    }
}
