namespace DiffusionQuant.Tool.Caching;

/// <summary>
/// Keeps all but one process (or thread) from making one result. The system holds it with an open file, so it ends with
/// its process, however that ends. The file itself stays: to delete it would let two in.
/// </summary>
internal sealed class CacheLock : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private readonly FileStream stream;

    private CacheLock(FileStream stream) => this.stream = stream;

    /// <summary>Takes the lock as soon as it is free.</summary>
    /// <param name="path">The lock's file.</param>
    /// <param name="waiting">Called once when another one has it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public static async Task<CacheLock> TakeAsync(
        string path,
        Action waiting,
        TimeProvider time,
        CancellationToken cancellation
    )
    {
        var said = false;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                return new(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException e) when (IsHeld(e))
            {
                if (!said)
                {
                    waiting();
                    said = true;
                }
            }

            await Task.Delay(Pause, time, cancellation);
        }
    }

    public void Dispose() => stream.Dispose();

    /// <summary>
    /// Whether another one has the file: ERROR_SHARING_VIOLATION or ERROR_LOCK_VIOLATION on Windows, EWOULDBLOCK on
    /// Linux and macOS. Anything else (a full disk, a missing folder) will not pass by waiting.
    /// </summary>
    private static bool IsHeld(IOException e) =>
        OperatingSystem.IsWindows() ? (e.HResult & 0xFFFF) is 32 or 33
        : OperatingSystem.IsLinux() ? e.HResult == 11
        : e.HResult == 35;
}
