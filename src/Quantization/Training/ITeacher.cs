using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Quantization.Training;

/// <summary>Shows the quantized network what it should give, batch by batch, without end.</summary>
internal interface ITeacher : IDisposable
{
    /// <summary>How many batches a move gives: two with guidance along trajectories, one for each call.</summary>
    int StepsPerMove { get; }

    /// <summary>The batches from a move on. The batches of one move belong together.</summary>
    /// <param name="first">How many moves there were before, in an earlier run maybe.</param>
    /// <param name="cancellation">Ends them.</param>
    IEnumerable<TeacherStep> From(int first, CancellationToken cancellation);
}

/// <summary>What a batch shows.</summary>
/// <param name="Call">x_t, timesteps and conditioning of the batch.</param>
/// <param name="Output">What the network should give for it.</param>
/// <param name="Features">The sum of the float network's features over the window; null where nobody asked.</param>
/// <param name="Half">0 for the conditional call, 1 for the unconditional one of guidance.</param>
/// <param name="Begins">For each row whether its trajectory begins, so that there are no steps before.</param>
internal sealed record TeacherStep(DenoiserCall Call, float[] Output, float[]? Features, int Half, bool[] Begins);
