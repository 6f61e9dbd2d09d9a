using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx.Serialization;
using DiffusionQuant.Quantization.Datasets;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Training.Denoisers;

/// <summary>Trains a network from images, without quantizers: DDPM's objective (Ho et al. 2020), AdamW, an average of weights.</summary>
/// <param name="training">How.</param>
/// <param name="images">The images.</param>
public sealed class DenoiserTrainer(DenoiserTraining training, TrainingImages images)
{
    /// <summary>Raised whenever the same settings give other weights.</summary>
    private const int AlgorithmVersion = 1;
    private const string Stage = "Training";
    private const string CurveName = "loss curve";
    private const int Notes = 10;
    private const int ProbeSteps = 3;

    /// <summary>What says nothing has a loss of about 1.</summary>
    private const float HopelessLoss = 1000;

    /// <summary>Device and threads.</summary>
    public SessionSettings Session { get; init; } = SessionSettings.Default;

    /// <summary>Where checkpoints are kept, from which a run that was killed goes on; null for nowhere. Trainings with
    /// different keys (<see cref="KeyOf"/>) need different folders.</summary>
    public string? WorkFolder { get; init; }

    /// <summary>How long a killed run may have worked for nothing.</summary>
    public TimeSpan BetweenCheckpoints { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>Takes progress; null for nothing.</summary>
    public IProgress<QuantizationProgress>? Progress { get; init; }

    /// <summary>Sees each step's number, from 1, and its loss.</summary>
    internal Action<int, float>? StepDone { get; init; }

    /// <summary>What stands for everything that decides the result, but for device and threads: 16 hexadecimal digits.</summary>
    /// <param name="training">How to train.</param>
    /// <param name="images">The images.</param>
    public static string KeyOf(DenoiserTraining training, TrainingImages images) =>
        Convert.ToHexStringLower(
            SHA256.HashData(
                Encoding.UTF8.GetBytes(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{AlgorithmVersion} {RuntimeVersion.Current} {images.Sha256} {images.Shape} {Canonical(training)}"
                    )
                )
            )
        )[..16];

    /// <summary>Trains.</summary>
    /// <param name="cancellation">Ends the training; the state after the last whole step is kept in <see cref="WorkFolder"/>.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1140: the network does not suit the images. DQ1141: the loss
    /// grows without bound.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public TrainedDenoiser Run(CancellationToken cancellation = default)
    {
        // Cancelled is the device's run alone, behind which the state is kept.
        using var workers = Workers.Use(Session.Threads, CancellationToken.None);
        Progress?.Report(new("Preparing", 0, null));
        var graph = DenoiserGraph.Build(training, images.Shape);
        var checkpoint = new TrainingCheckpoint(WorkFolder, "training");
        var curve = new LossCurve(training.Steps);
        var from = checkpoint.Find(new([], []));
        if (from is not null)
        {
            curve.Load(from.Tensors[CurveName]);
            Note($"Going on from step {from.Step} of {training.Steps}.", (double)from.Step / training.Steps);
        }

        using var session = new TrainingSession(graph.Graph, training.Steps, Session.ForSteps(training.Steps), from);
        var time = Train(session, curve, checkpoint, from?.Step, cancellation);
        var read = (Func<string, float[]>)(training.Average is null ? session.Read : session.ReadAverage);
        return new(graph.With(read), Report(graph, curve, time))
        {
            Shape = images.Shape,
            Scheduler = training.Scheduler,
        };
    }

    /// <returns>The time of a step.</returns>
    private TimeSpan Train(
        TrainingSession session,
        LossCurve curve,
        TrainingCheckpoint checkpoint,
        int? keptStep,
        CancellationToken cancellation
    )
    {
        var batches = new DenoiserBatches(images, training);
        using var first = new DenoiserBatch(images.Shape, training.Batch);
        using var second = new DenoiserBatch(images.Shape, training.Batch);
        var (present, next) = (first, second);
        var begun = session.Step;
        var before = TimeSpan.FromSeconds(curve.Seconds);
        var started = Stopwatch.GetTimestamp();
        var saved = started;
        var working = TimeSpan.Zero;
        // The next batch is made while a GPU works on this one. A processor's threads are all at work as it is.
        var overlaps = Session.Device.Kind != DeviceKind.Cpu && Workers.Count > 1;
        var filling = Fill(begun, 0, present);
        try
        {
            while (session.Step < training.Steps)
            {
                cancellation.ThrowIfCancellationRequested();
                var step = session.Step;
                var stepStarted = Stopwatch.GetTimestamp();
                var loss = 0f;
                for (var part = 0; part < training.Accumulation; part++)
                {
                    filling.GetAwaiter().GetResult();
                    var isLast = part == training.Accumulation - 1;
                    filling = Fill(isLast ? step + 1 : step, isLast ? 0 : part + 1, next);
                    loss += session.Run(present.Inputs, cancellation: cancellation) / training.Accumulation;
                    (present, next) = (next, present);
                }

                // The first step of a session allocates, and is no measure.
                working += step == begun ? TimeSpan.Zero : Stopwatch.GetElapsedTime(stepStarted);
                curve.Add(step + 1, loss, (float)(before + Stopwatch.GetElapsedTime(started)).TotalSeconds);
                StepDone?.Invoke(step + 1, loss);
                if (!float.IsFinite(loss) || curve.Mean > HopelessLoss)
                {
                    throw Diverged(step + 1, loss);
                }

                Tell(step + 1, begun, curve.Mean, PerStep());
                if (step + 1 == training.Steps || Stopwatch.GetElapsedTime(saved) > BetweenCheckpoints)
                {
                    Keep();
                    saved = Stopwatch.GetTimestamp();
                }
            }
        }
        catch (OperationCanceledException)
        {
            Keep();
            if (keptStep is not null)
            {
                Note(
                    $"Step {keptStep} is kept in {WorkFolder}; the same command goes on from there.",
                    (double)session.Step / training.Steps
                );
            }

            throw;
        }
        finally
        {
            // It writes into memory that is freed now.
            filling.GetAwaiter().GetResult();
        }

        return PerStep();

        Task Fill(int step, int part, DenoiserBatch batch)
        {
            if (step < training.Steps)
            {
                if (overlaps)
                {
                    return Task.Run(() => batches.Fill(step, part, batch), default);
                }

                batches.Fill(step, part, batch);
            }

            return Task.CompletedTask;
        }

        TimeSpan PerStep() => session.Step > begun + 1 ? working / (session.Step - begun - 1) : working;

        void Keep()
        {
            using var placing = UnfinishedWork.Place();
            var state = session.State;
            // The step that spoils the weights has a loss that was still good.
            if (!state.Tensors.Values.All(t => Array.TrueForAll(t, float.IsFinite)))
            {
                throw Diverged(session.Step, float.NaN);
            }

            if (WorkFolder is not null && session.Step > 0)
            {
                checkpoint.Save(
                    state with
                    {
                        Tensors = new Dictionary<string, float[]>(state.Tensors, StringComparer.Ordinal)
                        {
                            [CurveName] = curve.Save(),
                        },
                    },
                    new([], [])
                );
                keptStep = session.Step;
            }
        }

        Exception Diverged(int step, float loss) => DenoiserTrainingErrors.Diverged(step, loss, keptStep, WorkFolder);
    }

    private void Tell(int step, int begun, float loss, TimeSpan perStep)
    {
        var fraction = (double)step / training.Steps;
        var speed = training.Batch * training.Accumulation / Math.Max(perStep.TotalSeconds, 1e-6);
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"step {step} of {training.Steps}, loss {loss:F4}, {speed:F0} images/s"
        );
        if (step == begun + 1 + ProbeSteps)
        {
            var left = perStep * (training.Steps - step);
            Note(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{training.Steps} steps of {training.Batch * training.Accumulation} images, {perStep.TotalMilliseconds:F0} ms each, about {Math.Max(1, Math.Round(left.TotalMinutes))} min"
                ),
                fraction
            );
        }
        else if (step % Math.Max(1, training.Steps / Notes) == 0 && step < training.Steps)
        {
            Note($"{text}.", fraction);
        }

        Progress?.Report(new(Stage, fraction, text));
    }

    private void Note(string text, double fraction) => Progress?.Report(new(Stage, fraction, null) { Note = text });

    private TrainingReport Report(DenoiserGraph graph, LossCurve curve, TimeSpan perStep) =>
        new()
        {
            Network = training.Network,
            Parameters = graph.ParameterCount,
            Images = Path.GetFileName(Path.TrimEndingDirectorySeparator(images.Name)),
            ImageCount = images.Count,
            ImagesSha256 = images.Sha256,
            Prediction = training.Prediction == PredictionType.Velocity ? "v" : RecipeWords.Of(training.Prediction),
            Schedule = training.Schedule == BetaSchedule.SquaredCosine ? "cosine" : RecipeWords.Of(training.Schedule),
            Steps = training.Steps,
            Batch = training.Batch,
            Accumulation = training.Accumulation,
            Recompute = training.Recompute,
            LearningRate = training.LearningRate,
            WarmUp = training.WarmUp,
            Clip = training.Clip,
            Average = training.Average,
            Flip = training.Flip,
            Seed = training.Seed,
            Device = Session.Device.ToString(),
            Threads = Session.Threads,
            OnnxRuntime = RuntimeVersion.Current,
            MillisecondsPerStep = Math.Round(perStep.TotalMilliseconds, 2),
            Seconds = Math.Round(curve.Seconds, 1),
            Loss = curve.Points,
        };

    private static string Canonical(DenoiserTraining training)
    {
        var network = training.Network;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{network.Channels} [{string.Join(',', network.Multipliers)}] {network.Blocks} [{string.Join(',', network.AttentionResolutions)}] {network.Groups} {training.Prediction} {training.Schedule} {training.Steps} {training.Batch} {training.Accumulation} {training.Recompute} {training.LearningRate:R} {training.WarmUp} {training.Clip:R} {training.Average:R} {training.Flip} {training.Seed}"
        );
    }
}
