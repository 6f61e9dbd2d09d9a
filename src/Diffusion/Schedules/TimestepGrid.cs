using System.Collections;

namespace DiffusionQuant.Diffusion;

/// <summary>
/// The timesteps that a sampler visits, falling, each with the one it goes to: t − ⌊T/n⌋ of evenly spread ones, as diffusers
/// has it whatever their spacing, and the next one of a list; below 0 for the clean sample.
/// </summary>
public sealed class TimestepGrid : IReadOnlyList<TimestepPair>
{
    private const double QuadraticReach = 0.8;
    private readonly double[] timesteps;

    private TimestepGrid(string name, double[] timesteps, double? stride = null)
    {
        Name = name;
        Stride = stride;
        this.timesteps = timesteps;
    }

    /// <summary>Which grid it is, for messages and reports: <c>leading</c>, <c>quadratic</c> ...</summary>
    public string Name { get; }

    /// <summary>⌊T/n⌋, how far each step of an even grid goes; null of others.</summary>
    public double? Stride { get; }

    /// <summary>The timesteps in sampling order.</summary>
    public IReadOnlyList<double> Timesteps => timesteps;

    /// <summary>The number of steps.</summary>
    public int Count => timesteps.Length;

    /// <inheritdoc/>
    public TimestepPair this[int index] =>
        new(
            index,
            timesteps[index],
            Stride is { } stride ? timesteps[index] - stride
                : index + 1 < timesteps.Length ? timesteps[index + 1]
                : -1
        );

    /// <summary>Evenly spread steps, by the spacing of the schedule's config.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="steps">The number of steps, 1 to T.</param>
    /// <param name="spacing">Another spacing than the config's.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1049: the number of steps does not fit.</exception>
    public static TimestepGrid Uniform(NoiseSchedule schedule, int steps, TimestepSpacing? spacing = null)
    {
        CheckSteps(schedule, steps);
        var trained = schedule.TrainTimesteps;
        var kind = spacing ?? schedule.Config.Spacing;
        var result = new double[steps];
        for (var i = 0; i < steps; i++)
        {
            // numpy rounds halves to even.
            result[i] = kind switch
            {
                TimestepSpacing.Leading => ((steps - 1 - i) * (trained / steps)) + schedule.Config.StepsOffset,
                TimestepSpacing.Linspace => steps == 1
                    ? 0
                    : Math.Round((steps - 1 - i) * ((trained - 1) / (double)(steps - 1)), MidpointRounding.ToEven),
                TimestepSpacing.Trailing => Math.Round(
                    trained - (i * ((double)trained / steps)),
                    MidpointRounding.ToEven
                ) - 1,
                _ => throw new ArgumentOutOfRangeException(nameof(spacing)),
            };
        }

        if (result[0] >= trained)
        {
            throw DiffusionErrors.BadTimesteps(
                $"{steps} leading steps with a steps_offset of {schedule.Config.StepsOffset} start at {TimestepText.Of(result[0])}, past the last timestep {trained - 1}"
            );
        }

        return new(kind.ToString().ToLowerInvariant(), result, trained / steps);
    }

    /// <summary>
    /// Steps dense at low noise: ⌊linspace(0, √(0.8·T), n)²⌋ (Song et al. 2021, "DDIM", appendix D.2; the grid of
    /// Q-Diffusion's CIFAR-10 protocol).
    /// </summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="steps">The number of steps, 1 to T.</param>
    /// <param name="offset">Added to every timestep; latent diffusion's code adds 1, the pixel models' code 0.</param>
    /// <remarks>Many steps make the lowest timesteps repeat, as in the papers' code; a step from a timestep to itself
    /// changes nothing but keeps the count. The grid starts at 0.8·T, where only the linear schedule is close to pure noise:
    /// models of the cosine schedule make poor images with it.</remarks>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1049: the number of steps does not fit.</exception>
    public static TimestepGrid Quadratic(NoiseSchedule schedule, int steps, int offset = 0)
    {
        CheckSteps(schedule, steps);
        var roots = Betas.Linspace(0, Math.Sqrt(schedule.TrainTimesteps * QuadraticReach), steps);
        var grid = Array.ConvertAll(roots, root => Math.Floor(root * root) + offset);
        Array.Reverse(grid);
        return grid[0] < schedule.TrainTimesteps && offset >= 0
            ? new("quadratic", grid)
            : throw DiffusionErrors.BadTimesteps(
                $"an offset of {offset} leads out of the {schedule.TrainTimesteps} trained timesteps"
            );
    }

    /// <summary>An explicit list.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="timesteps">Falling timesteps from 0 to T−1, whole or not.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1049: the list is empty, not falling, or leaves the trained range.</exception>
    public static TimestepGrid Of(NoiseSchedule schedule, params ReadOnlySpan<double> timesteps)
    {
        if (timesteps.IsEmpty)
        {
            throw DiffusionErrors.BadTimesteps("the list is empty");
        }

        for (var i = 0; i < timesteps.Length; i++)
        {
            if (!(timesteps[i] >= 0 && timesteps[i] <= schedule.TrainTimesteps - 1))
            {
                throw DiffusionErrors.BadTimesteps(
                    $"{TimestepText.Of(timesteps[i])} is outside 0 to {schedule.TrainTimesteps - 1}"
                );
            }

            if (i > 0 && timesteps[i] >= timesteps[i - 1])
            {
                throw DiffusionErrors.BadTimesteps(
                    $"{TimestepText.Of(timesteps[i])} comes after {TimestepText.Of(timesteps[i - 1])}, but they must fall"
                );
            }
        }

        return new("list", timesteps.ToArray());
    }

    /// <inheritdoc/>
    public IEnumerator<TimestepPair> GetEnumerator()
    {
        for (var i = 0; i < timesteps.Length; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Count}: {string.Join(' ', timesteps.Select(TimestepText.Of))}";

    internal static void CheckSteps(NoiseSchedule schedule, int steps)
    {
        if (steps < 1 || steps > schedule.TrainTimesteps)
        {
            throw DiffusionErrors.BadTimesteps(
                $"{steps} steps are wanted of {schedule.TrainTimesteps} trained timesteps"
            );
        }
    }
}
