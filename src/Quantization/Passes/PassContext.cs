using DiffusionQuant.Engine;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>What a pass needs besides its data.</summary>
/// <param name="Session">Device and threads of the sessions that the pass makes.</param>
/// <param name="Progress">Receives the pass's own progress, 0 to 1, with a detail.</param>
/// <param name="Cancellation">Stops the pass.</param>
public sealed record PassContext(
    SessionSettings Session,
    Action<double, string?> Progress,
    CancellationToken Cancellation
);
