namespace DiffusionQuant.Engine;

/// <summary>
/// The one scheduler of all loops that run in threads. However loops nest, those of a scope (<see cref="Use"/>) never run
/// on more threads together than were asked for, and sessions that ask for no number of their own take as many.
/// </summary>
/// <remarks>
/// The thread that calls a loop takes its turns itself; others join while the scope has some to spare, so nobody waits for
/// a thread. Which thread takes which turn is left to chance: bodies write to places of their own, and sums are made in
/// an order that does not depend on it.
/// </remarks>
public static class Workers
{
#pragma warning disable RS0030 // Here alone.
    private static readonly Scope EveryCore = new(new(Environment.ProcessorCount), Limit: 0, CancellationToken.None);
#pragma warning restore RS0030
    private static readonly AsyncLocal<Scope?> Ambient = new();

    /// <summary>How many threads work at once, the calling one included.</summary>
    public static int Count => Current.Slots.Count;

    /// <summary>The number that was asked for; 0 where nobody did, and each core has a thread.</summary>
    public static int Limit => Current.Limit;

    /// <summary>Stops the work of this scope: loops between two turns, and sessions that are being loaded.</summary>
    public static CancellationToken Cancellation => Current.Cancellation;

    private static Scope Current => Ambient.Value ?? EveryCore;

    /// <summary>
    /// Begins a scope: what is called from here on, on whatever thread, until the result is disposed. The innermost one holds.
    /// </summary>
    /// <param name="threads">How many threads work at once; 0 for as many as around it, in the end one per core.</param>
    /// <param name="cancellation">What stops the scope's work; null for the token around it.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public static IDisposable Use(int threads, CancellationToken? cancellation = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        var around = Current;
        var scope = around with { Cancellation = cancellation ?? around.Cancellation };
        if (threads > 0 && threads != around.Limit)
        {
            scope = scope with { Slots = new(threads), Limit = threads };
        }

        var end = new End(Ambient.Value);
        Ambient.Value = scope;
        return end;
    }

    /// <summary>Runs a body for each number of a range; turns begin in the range's order.</summary>
    /// <param name="from">The first number.</param>
    /// <param name="to">The number behind the last.</param>
    /// <param name="body">Takes a number. No turn may depend on another.</param>
    /// <exception cref="OperationCanceledException">The scope was cancelled.</exception>
    /// <remarks>Where turns fail, the exception of the first of them in the range's order is thrown.</remarks>
    public static void For(int from, int to, Action<int> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        var scope = Current;
        new WorkerLoop(from, to, body, scope.Slots, scope.Cancellation).Run();
    }

    private sealed record Scope(WorkerSlots Slots, int Limit, CancellationToken Cancellation);

    private sealed class End(Scope? around) : IDisposable
    {
        public void Dispose() => Ambient.Value = around;
    }
}
