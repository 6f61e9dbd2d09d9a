namespace DiffusionQuant.Engine;

/// <summary>The threads of a scope besides the one that began it.</summary>
/// <param name="count">All threads of the scope.</param>
internal sealed class WorkerSlots(int count)
{
    private int free = count - 1;

    /// <summary>All threads of the scope.</summary>
    public int Count => count;

    /// <summary>Takes a thread if there is one to spare.</summary>
    public bool TryTake()
    {
        for (var seen = Volatile.Read(ref free); seen > 0; )
        {
            var before = Interlocked.CompareExchange(ref free, seen - 1, seen);
            if (before == seen)
            {
                return true;
            }

            seen = before;
        }

        return false;
    }

    /// <summary>Gives threads back.</summary>
    public void Return(int threads = 1) => Interlocked.Add(ref free, threads);
}
