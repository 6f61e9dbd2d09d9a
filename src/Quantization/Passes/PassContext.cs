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
)
{
    /// <summary>The memory in bytes that calibration data may take where nothing else is said: 2 GiB.</summary>
    public const long UsualMemory = 2L << 30;

    /// <summary>What calibration data may take of memory, and where the rest of it goes.</summary>
    public MemoryBudget Memory { get; init; } = new(UsualMemory);

    /// <summary>Where a pass can keep what an interrupted run goes on from; null for nowhere.</summary>
    public string? WorkFolder { get; init; }

    /// <summary>Takes what a user should read before long work begins.</summary>
    public Action<string> Note { get; init; } = _ => { };
}
