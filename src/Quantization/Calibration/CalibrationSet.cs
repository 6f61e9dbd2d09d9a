using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Passes;

namespace DiffusionQuant.Quantization.Calibration;

/// <summary>
/// The pairs (x_t, t) that a method calibrates on, each with the label and the conditioning that its image has. With
/// classifier-free guidance there are two pairs of each x_t, that of the conditional call and that of the unconditional one:
/// all conditional pairs come first, and the unconditional ones follow in the same order.
/// </summary>
/// <remarks>x_t is kept once for both, and conditioning not at all: a pair knows which rows of the arrays it has.</remarks>
public sealed class CalibrationSet : IDisposable
{
    private readonly DenoiserContract contract;
    private readonly ConditioningSet conditioning;
    private readonly RowStore samples;
    private readonly double[] timesteps;
    private readonly int[] images;
    private readonly int[]? labels;
    private readonly bool isGuided;

    private CalibrationSet(
        DenoiserContract contract,
        ConditioningSet conditioning,
        int states,
        bool isGuided,
        MemoryBudget memory
    )
    {
        this.contract = contract;
        this.conditioning = conditioning;
        this.isGuided = isGuided;
        StateCount = states;
        Count = isGuided ? 2 * states : states;
        var shape = contract.SampleShape;
        timesteps = new double[Count];
        images = new int[Count];
        labels = contract.ClassLabel is null ? null : new int[Count];
        samples = RowStore.Create(states, [shape.Channels, shape.Height, shape.Width], memory);
    }

    /// <summary>The number of pairs.</summary>
    public int Count { get; }

    /// <summary>The number of different x_t: half of the pairs with guidance, else as many.</summary>
    public int StateCount { get; }

    /// <summary>The timestep of each pair.</summary>
    public IReadOnlyList<double> Timesteps => timesteps;

    /// <summary>The image on whose trajectory each pair lies.</summary>
    public IReadOnlyList<int> Images => images;

    /// <summary>The class of each pair, the null class for unconditional ones; null for models without a class input.</summary>
    public IReadOnlyList<int>? ClassLabels => labels;

    /// <summary>Whether x_t lie in a file rather than in memory.</summary>
    public bool IsSpilled => samples.IsSpilled;

    /// <summary>Samples the float model along its trajectories and keeps the pairs that the recipe asks for.</summary>
    /// <param name="state">Its graph is what is sampled; its recipe says how.</param>
    /// <param name="context">Device, memory, progress, cancellation.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">The model cannot be sampled so, or neither memory nor disk
    /// suffice.</exception>
    public static CalibrationSet Collect(QuantizationState state, PassContext context) =>
        SampleCollector.Run(state, context);

    /// <summary>The timestep of a pair.</summary>
    public double TimestepOf(int row) => timesteps[row];

    /// <summary>Whether a pair is of the unconditional call.</summary>
    public bool IsUnconditional(int row) => row >= StateCount;

    /// <summary>The call of some pairs, which is what a denoiser gets in sampling, each with a timestep of its own.</summary>
    /// <param name="rows">Numbers of pairs; one may come more than once.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1051: conditional and unconditional pairs are asked for
    /// together, but their conditioning differs in shape.</exception>
    public DenoiserCall Call(params ReadOnlySpan<int> rows)
    {
        var states = new int[rows.Length];
        var halves = new bool[rows.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            states[i] = rows[i] % StateCount;
            halves[i] = IsUnconditional(rows[i]);
        }

        var x = new float[rows.Length * samples.RowLength];
        samples.Gather(states, x);
        return new()
        {
            Count = rows.Length,
            Samples = x,
            Timesteps = Take(timesteps, rows),
            ClassLabels = labels is null ? null : Take(labels, rows),
            Conditioning = conditioning.Rows(contract, Take(images, rows), halves),
        };
    }

    /// <summary>The pairs in runs of one timestep and one kind of call, from the noisiest on, as sampling calls them.</summary>
    /// <param name="size">The most pairs of a run.</param>
    public IEnumerable<int[]> Batches(int size) =>
        Enumerable
            .Range(0, Count)
            .GroupBy(row => (Timestep: timesteps[row], IsUnconditional: IsUnconditional(row)))
            .OrderByDescending(group => group.Key.Timestep)
            .SelectMany(group => group.Chunk(size));

    /// <inheritdoc/>
    public void Dispose() => samples.Dispose();

    /// <summary>Follows trajectories and keeps what the schedule says.</summary>
    internal static CalibrationSet Follow(
        Trajectory trajectory,
        DenoiserContract contract,
        TrajectorySettings settings,
        CalibrationSchedule schedule,
        int batch,
        PassContext context
    )
    {
        var set = new CalibrationSet(
            contract,
            settings.Conditioning,
            schedule.Count,
            settings.GuidanceScale != 1,
            context.Memory
        );
        try
        {
            var first = 0;
            foreach (var images in Enumerable.Range(0, schedule.Images).Chunk(batch))
            {
                first = set.Follow(trajectory, images, schedule, first, context);
            }

            return set;
        }
        catch
        {
            set.Dispose();
            throw;
        }
    }

    /// <summary>x_t of a state, C·H·W numbers.</summary>
    internal Span<float> State(int state) => samples.Row(state);

    /// <summary>Some of the states in a set of their own, which does not depend on this one.</summary>
    internal CalibrationSet Take(ReadOnlySpan<int> states, MemoryBudget memory)
    {
        var result = new CalibrationSet(contract, conditioning, states.Length, isGuided, memory);
        for (var i = 0; i < states.Length; i++)
        {
            samples.Row(states[i]).CopyTo(result.samples.Row(i));
        }

        for (var row = 0; row < result.Count; row++)
        {
            var own = states[row % states.Length] + (result.IsUnconditional(row) ? StateCount : 0);
            result.timesteps[row] = timesteps[own];
            result.images[row] = images[own];
            result.labels?[row] = labels![own];
        }

        return result;
    }

    private static T[] Take<T>(T[] values, ReadOnlySpan<int> rows)
    {
        var result = new T[rows.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            result[i] = values[rows[i]];
        }

        return result;
    }

    /// <summary>Keeps the pairs of some images, from a row on; returns the next free row.</summary>
    private int Follow(Trajectory trajectory, int[] batch, CalibrationSchedule schedule, int first, PassContext context)
    {
        // An image's pairs lie together, in sampling order.
        var kept = first;
        var next = new int[batch.Length];
        for (var i = 0; i < batch.Length; i++)
        {
            next[i] = first;
            first += schedule.Kept[batch[i]].Count;
        }

        var last = batch.Max(image => schedule.Kept[image].Count == 0 ? -1 : schedule.Kept[image][^1]);
        if (last < 0)
        {
            return first;
        }

        foreach (var step in trajectory.Steps(batch, context.Cancellation))
        {
            for (var i = 0; i < batch.Length; i++)
            {
                if (schedule.Kept[batch[i]].Contains(step.Index))
                {
                    Keep(step, i, next[i]++);
                    kept++;
                }
            }

            var done = batch[0] + (batch.Length * (step.Index + 1.0) / (last + 1));
            context.Progress(done / schedule.Images, $"t = {TimestepText.Of(step.Timestep)}, {kept} samples");
            if (step.Index == last)
            {
                break;
            }
        }

        return first;
    }

    private void Keep(DenoisingStep step, int index, int state)
    {
        var length = samples.RowLength;
        step.Samples.AsSpan(index * length, length).CopyTo(samples.Row(state));
        DenoiserCall?[] calls = [step.Call, step.UnconditionalCall];
        foreach (var (half, call) in calls.Index().Where(c => c.Item is not null))
        {
            var row = state + (half * StateCount);
            timesteps[row] = step.Timestep;
            images[row] = step.Images[index];
            labels?[row] = call!.ClassLabels![index];
        }
    }
}
