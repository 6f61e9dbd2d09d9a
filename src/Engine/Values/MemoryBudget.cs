namespace DiffusionQuant.Engine;

/// <summary>How much memory data may take before it goes to files; shared by all stores that are made with it, and by
/// threads.</summary>
/// <param name="bytes">The budget.</param>
/// <param name="spillFolder">Where files go; null for the system's temporary folder.</param>
public sealed class MemoryBudget(long bytes, string? spillFolder = null)
{
    private long taken;

    /// <summary>The budget in bytes.</summary>
    public long Bytes => bytes;

    /// <summary>Where files go.</summary>
    public string SpillFolder => spillFolder ?? Path.GetTempPath();

    /// <summary>Takes a part of the budget.</summary>
    /// <param name="size">Bytes.</param>
    /// <returns>Whether there was enough left; otherwise nothing is taken.</returns>
    public bool TryTake(long size)
    {
        var before = Interlocked.Read(ref taken);
        while (size <= bytes - before)
        {
            var seen = Interlocked.CompareExchange(ref taken, before + size, before);
            if (seen == before)
            {
                return true;
            }

            before = seen;
        }

        return false;
    }

    /// <summary>Gives a part back.</summary>
    /// <param name="size">Bytes that were taken.</param>
    public void Release(long size) => Interlocked.Add(ref taken, -size);
}
