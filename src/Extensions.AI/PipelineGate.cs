using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Extensions.AI;

/// <summary>Lets calls to one pipeline pass one after another, also where several generators have it: its text encoders come
/// and go with the prompts, and two runs at a time would share the cores anyway.</summary>
[SuppressMessage(
    "Design",
    "CA1001:Types that own disposable fields should be disposable",
    Justification = "A semaphore has no handle as long as nobody asks for one, and calls may still wait for this one."
)]
internal sealed class PipelineGate
{
    private static readonly ConditionalWeakTable<DiffusionPipeline, PipelineGate> Gates = [];

    private readonly SemaphoreSlim turn = new(1, 1);
    private bool isClosed;

    /// <summary>A pipeline's gate.</summary>
    public static PipelineGate Of(DiffusionPipeline pipeline) => Gates.GetValue(pipeline, _ => new());

    /// <summary>Gives a pipeline that was just loaded the gate behind which it was.</summary>
    public void Guard(DiffusionPipeline pipeline) => Gates.AddOrUpdate(pipeline, this);

    /// <summary>Does something on a thread of the pool when its turn comes: it is one long computation, and the caller's thread
    /// may be that of a window or of a request.</summary>
    /// <exception cref="ObjectDisposedException">The pipeline is gone.</exception>
    public async Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            // A call of a freed session would end the process.
            ObjectDisposedException.ThrowIf(isClosed, typeof(DiffusionPipeline));
            return await Task.Run(work, cancellation).ConfigureAwait(false);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Frees the pipeline: at once where nothing is at work, or else when that has stopped, which is not waited for.</summary>
    public void Close(Action free)
    {
        var wait = turn.WaitAsync();
        if (wait.IsCompleted)
        {
            Free();
        }
        else
        {
            _ = wait.ContinueWith(
                _ => Free(),
                CancellationToken.None,
                TaskContinuationOptions.None,
                TaskScheduler.Default
            );
        }

        void Free()
        {
            isClosed = true;
            free();
            turn.Release();
        }
    }
}
