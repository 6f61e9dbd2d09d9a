namespace DiffusionQuant.Diffusion;

/// <summary>
/// The way back along a <see cref="NoisePath"/>, laid out for a number of steps: at which timesteps the network is asked, and
/// what is made of its outputs. What a run remembers is in a <see cref="SolverRun"/>, one per image.
/// </summary>
/// <param name="timesteps">t of each call of the network.</param>
/// <param name="initialScale">What noise is multiplied by to become the first sample.</param>
public abstract class Solver(IReadOnlyList<double> timesteps, double initialScale = 1)
{
    /// <summary>The solver and its settings, for messages and reports.</summary>
    public abstract string Name { get; }

    /// <summary>t of each call of the network; solvers of second order call it twice a step.</summary>
    public IReadOnlyList<double> Timesteps => timesteps;

    /// <summary>What standard normal noise is multiplied by to become the first sample.</summary>
    public double InitialScale => initialScale;

    /// <summary>Whether the network must predict the variance too, in as many further channels.</summary>
    public virtual bool NeedsVariance => false;

    /// <summary>What a sample is multiplied by to become the network's input at a call.</summary>
    /// <param name="call">The call's number, from 0.</param>
    public virtual double InputScale(int call) => 1;

    /// <summary>Whether noise is added behind a call.</summary>
    /// <param name="call">The call's number, from 0.</param>
    public virtual bool AddsNoise(int call) => false;

    /// <summary>Signal and noise of the sample before a call, in the solver's own scale.</summary>
    /// <param name="call">The call's number, from 0.</param>
    public abstract NoiseLevel LevelAt(int call);

    /// <summary>The calls at which a step begins.</summary>
    private protected virtual IEnumerable<int> StepStarts => Enumerable.Range(0, Timesteps.Count);

    /// <summary>The call that a run begins with where a picture gives the start.</summary>
    /// <param name="strength">The share of the steps that are taken, above 0 and at most 1.</param>
    public int FirstCall(double strength)
    {
        int[] starts = [.. StepStarts];
        return starts[Math.Clamp(starts.Length - (int)(starts.Length * strength), 0, starts.Length - 1)];
    }

    /// <summary>Begins a run.</summary>
    /// <param name="sample">The first sample, C·H·W numbers: noise times <see cref="InitialScale"/>, or a noised picture. It is
    /// changed in place.</param>
    /// <param name="firstCall">The call that it begins with, where a picture gives a start.</param>
    public abstract SolverRun Start(float[] sample, int firstCall = 0);
}

/// <summary>One image's way through a <see cref="Solver"/>.</summary>
/// <param name="sample">The first sample.</param>
/// <param name="firstCall">The call that it begins with.</param>
public abstract class SolverRun(float[] sample, int firstCall)
{
    /// <summary>The sample, C·H·W numbers in the solver's own scale; behind the last call the clean one.</summary>
    public float[] Sample => sample;

    /// <summary>The number of the next call.</summary>
    public int Call { get; private set; } = firstCall;

    /// <summary>Takes the network's output of the next call, and moves the sample.</summary>
    /// <param name="output">C·H·W numbers, or 2·C·H·W where it predicts the variance too.</param>
    /// <param name="noise">C·H·W standard normal numbers; empty where <see cref="Solver.AddsNoise"/> says no.</param>
    /// <param name="clean">Receives the estimate of x0, after clipping: C·H·W numbers.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1057: the output has no variance, and the solver needs one.</exception>
    public void Step(ReadOnlySpan<float> output, ReadOnlySpan<float> noise, Span<float> clean)
    {
        Take(output, noise, clean);
        Call++;
    }

    /// <summary>Moves <see cref="Sample"/> by the output of <see cref="Call"/>.</summary>
    private protected abstract void Take(ReadOnlySpan<float> output, ReadOnlySpan<float> noise, Span<float> clean);
}
