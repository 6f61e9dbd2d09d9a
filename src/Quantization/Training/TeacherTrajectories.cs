using System.Numerics.Tensors;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Training;

/// <summary>
/// The float network's own trajectories from noise, without end: data-free distillation takes x_t, targets and features
/// from here, and x_t goes on by the float network's prediction (EfficientDM, He et al., ICLR 2024). Images of a batch are
/// at different timesteps where the network allows it, so that each step learns of all of them.
/// </summary>
internal sealed class TeacherTrajectories : ITeacher
{
    /// <summary>Images that neither calibration nor the check behind it have seen; they count from below.</summary>
    private const int FirstImage = 2_000_000;

    /// <summary>Batches are cut into so many parts at different timesteps at most; each is a call of its own.</summary>
    private const int MostLanes = 4;

    private readonly ModelSession session;
    private readonly FeatureDenoiser denoiser;
    private readonly Trajectory trajectory;
    private readonly TrajectorySettings settings;
    private readonly DenoiserContract contract;
    private readonly Lane[] lanes;
    private readonly int window;

    /// <summary>Loads the float network.</summary>
    /// <param name="state">Graph and recipe.</param>
    /// <param name="batch">Images in a batch.</param>
    /// <param name="features">What to show besides the outputs; null for nothing.</param>
    /// <param name="window">Over how many steps features are summed.</param>
    /// <param name="context">Device and threads.</param>
    public TeacherTrajectories(
        QuantizationState state,
        int batch,
        NetworkFeatures? features,
        int window,
        PassContext context
    )
    {
        this.window = window;
        contract = state.Source.Contract;
        IReadOnlyDictionary<string, string> shown = new Dictionary<string, string>();
        var model = features is null ? state.Graph : ObservedGraph.Of(state.Graph, [features.Value], out shown);
        session = ModelSession.Load(model, context.Session);
        denoiser = new(new OnnxDenoiser(session, contract), features is null ? null : shown[features.Value]);
        settings = state.Trajectory;
        // Features are kept call by call.
        trajectory = new(denoiser, state.Source.Schedule, settings, joinsGuidance: false);
        var count = contract.TimestepIsShared
            ? 1
            : Enumerable.Range(1, Math.Min(MostLanes, batch)).Last(k => batch % k == 0);
        lanes =
        [
            .. Enumerable
                .Range(0, count)
                .Select(l => new Lane(l * trajectory.Solver.Timesteps.Count / count, l, batch / count)),
        ];
    }

    /// <summary>The number of moves of a trajectory.</summary>
    public int Length => trajectory.Solver.Timesteps.Count;

    /// <inheritdoc/>
    public int StepsPerMove => settings.GuidanceScale == 1 ? 1 : 2;

    /// <inheritdoc/>
    public IEnumerable<TeacherStep> From(int first, CancellationToken cancellation)
    {
        foreach (var lane in lanes)
        {
            lane.Begin(this, first, cancellation);
        }

        while (true)
        {
            foreach (var lane in lanes)
            {
                lane.Move(this, cancellation);
            }

            for (var half = 0; half < StepsPerMove; half++)
            {
                yield return Step(half);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var lane in lanes)
        {
            lane.Dispose();
        }

        session.Dispose();
    }

    private TeacherStep Step(int half)
    {
        var steps = lanes.Select(l => l.Steps!.Current).ToArray();
        DenoiserCall[] calls = [.. steps.Select(s => half == 0 ? s.Call : s.UnconditionalCall!)];
        int[] images = [.. steps.SelectMany(s => s.Images)];
        var call = new DenoiserCall
        {
            Count = images.Length,
            Samples = Joined(calls.Select(c => c.Samples)),
            Timesteps = [.. calls.SelectMany(c => Enumerable.Range(0, c.Count).Select(c.TimestepOf))],
            ClassLabels = calls[0].ClassLabels is null ? null : [.. calls.SelectMany(c => c.ClassLabels!)],
            Conditioning = settings.Conditioning.Rows(contract, images, unconditional: half == 1),
        };
        return new(
            call,
            Joined(steps.Select(s => half == 0 ? s.ConditionalOutput : s.UnconditionalOutput!)),
            denoiser.ShowsFeatures ? Joined(lanes.Select(l => l.Sum(half))) : null,
            half,
            [.. lanes.SelectMany(l => Enumerable.Repeat(l.Index == 0, l.Count))]
        );
    }

    private static float[] Joined(IEnumerable<float[]> parts)
    {
        float[][] all = [.. parts];
        var joined = new float[all.Sum(p => p.Length)];
        var at = 0;
        foreach (var part in all)
        {
            part.CopyTo(joined, at);
            at += part.Length;
        }

        return joined;
    }

    /// <summary>A part of the batch: images at one timestep.</summary>
    private sealed class Lane(int offset, int number, int count) : IDisposable
    {
        private readonly Queue<float[][]> features = [];
        private int run;

        public int Count => count;

        /// <summary>The step of the trajectory that was made last.</summary>
        public int Index { get; private set; }

        public IEnumerator<DenoisingStep>? Steps { get; private set; }

        public void Begin(TeacherTrajectories owner, int first, CancellationToken cancellation)
        {
            var (trajectory, index) = Math.DivRem(first + offset, owner.Length);
            run = trajectory;
            Index = -1;
            Steps = null;
            features.Clear();
            for (var i = 0; i < index; i++)
            {
                Move(owner, cancellation);
            }

            // What the quantized network did not see, it has no features of either.
            while (features.Count > first)
            {
                features.Dequeue();
            }
        }

        public void Move(TeacherTrajectories owner, CancellationToken cancellation)
        {
            if (Steps is null || Index == owner.Length - 1)
            {
                run += Steps is null ? 0 : 1;
                Steps?.Dispose();
                features.Clear();
                var begin = FirstImage + (((run * owner.lanes.Length) + number) * count);
                Steps = owner.trajectory.Steps([.. Enumerable.Range(begin, count)], cancellation).GetEnumerator();
                Index = -1;
            }

            owner.denoiser.Seen.Clear();
            Steps.MoveNext();
            Index++;
            features.Enqueue([.. owner.denoiser.Seen]);
            while (features.Count > owner.window)
            {
                features.Dequeue();
            }
        }

        public float[] Sum(int half)
        {
            var sum = new float[features.Peek()[half].Length];
            foreach (var step in features)
            {
                TensorPrimitives.Add(sum, step[half], sum);
            }

            return sum;
        }

        public void Dispose() => Steps?.Dispose();
    }

    /// <summary>The float network; it keeps the features of the calls of one move.</summary>
    private sealed class FeatureDenoiser(OnnxDenoiser inner, string? output) : IDenoiser
    {
        public List<float[]> Seen { get; } = [];

        public bool ShowsFeatures => output is not null;

        public DenoiserContract Contract => inner.Contract;

        public float[] Predict(DenoiserCall call, CancellationToken cancellation = default)
        {
            if (output is null)
            {
                return inner.Predict(call, cancellation);
            }

            float[]? features = null;
            var prediction = inner.Predict(
                call,
                [output],
                run =>
                {
                    var values = Tensors.ToFloats(run.Outputs[output]);
                    var size = values.Length / run.Call.Count;
                    features ??= new float[size * call.Count];
                    for (var i = 0; i < run.Rows.Count; i++)
                    {
                        values.AsSpan(i * size, size).CopyTo(features.AsSpan(run.Rows[i] * size));
                    }
                },
                cancellation
            );
            Seen.Add(features!);
            return prediction;
        }
    }
}
