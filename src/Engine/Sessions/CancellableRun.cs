using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine;

/// <summary>Options of one run that stop it when a token is cancelled.</summary>
internal sealed class CancellableRun : IDisposable
{
    private readonly CancellationTokenRegistration registration;

    /// <summary>Begins a run.</summary>
    /// <exception cref="OperationCanceledException">The token is cancelled already.</exception>
    public CancellableRun(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        Options = new();
        registration = cancellation.Register(static options => ((RunOptions)options!).Terminate = true, Options);
    }

    /// <summary>ONNX Runtime's options of the run.</summary>
    public RunOptions Options { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Waits for a callback under way, which still uses the options.
        registration.Dispose();
        Options.Dispose();
    }
}
