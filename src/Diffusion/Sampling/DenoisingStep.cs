namespace DiffusionQuant.Diffusion;

/// <summary>One step of a batch of images, with all that went in and came out. The arrays may be kept, but not
/// changed: the next step starts from them.</summary>
public sealed record DenoisingStep
{
    /// <summary>The number of the call, from 0.</summary>
    public required int Index { get; init; }

    /// <summary>How many calls the run has; solvers of second order make two a step.</summary>
    public required int StepCount { get; init; }

    /// <summary>The indices of the images.</summary>
    public required IReadOnlyList<int> Images { get; init; }

    /// <summary>The call: x_t, timestep and conditioning.</summary>
    public required DenoiserCall Call { get; init; }

    /// <summary>The second call that classifier-free guidance makes; null without guidance.</summary>
    public DenoiserCall? UnconditionalCall { get; init; }

    /// <summary>The network's output (after guidance): N·C·H·W or N·2C·H·W numbers.</summary>
    public required float[] Output { get; init; }

    /// <summary>What the network gave for <see cref="Call"/>, before guidance.</summary>
    public required float[] ConditionalOutput { get; init; }

    /// <summary>What it gave for <see cref="UnconditionalCall"/>; null without guidance.</summary>
    public float[]? UnconditionalOutput { get; init; }

    /// <summary>The estimates of x0 that the step used, after clipping: N·C·H·W numbers.</summary>
    public required float[] CleanSamples { get; init; }

    /// <summary>t, whole or not.</summary>
    public double Timestep => Call.Timesteps[0];

    /// <summary>The sample behind the step, in the solver's own scale; the clean one behind the last: N·C·H·W numbers.</summary>
    public required float[] Next { get; init; }

    /// <summary>x_t as the network got it: N·C·H·W numbers.</summary>
    public float[] Samples => Call.Samples;

    /// <summary>Whether it is the run's last.</summary>
    public bool IsLast => Index == StepCount - 1;
}
