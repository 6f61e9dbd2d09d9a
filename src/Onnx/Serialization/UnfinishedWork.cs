using System.Collections.Concurrent;

namespace DiffusionQuant.Onnx.Serialization;

/// <summary>
/// What a process that has to end at once must know: which files and folders are only begun, and whether something is being
/// put in its place that must not be left half.
/// </summary>
public static class UnfinishedWork
{
    private static readonly ConcurrentDictionary<string, bool> Begun = new(StringComparer.Ordinal);
    private static int placing;

    /// <summary>Whether something is being put in its place, which takes moments.</summary>
    public static bool IsPlacing => Volatile.Read(ref placing) > 0;

    /// <summary>Names a file or folder that is worth nothing before <see cref="End"/>.</summary>
    /// <param name="path">Its path.</param>
    /// <returns>The path.</returns>
    public static string Begin(string path)
    {
        Begun[path] = true;
        return path;
    }

    /// <summary>Says that a file or folder has its name, or is gone.</summary>
    public static void End(string path) => Begun.TryRemove(path, out _);

    /// <summary>Begins what must not be left half, renames for instance; disposing the result ends it.</summary>
    public static IDisposable Place()
    {
        Interlocked.Increment(ref placing);
        return new Placing();
    }

    /// <summary>Deletes all that is only begun, as far as others who still write to it let that happen.</summary>
    public static void DeleteAll()
    {
        foreach (var path in Begun.Keys)
        {
            try
            {
                if (Directory.Exists(path))
                {
                    Directory.Delete(path, recursive: true);
                }
                else
                {
                    File.Delete(path);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The process ends in any case.
            }
        }
    }

    private sealed class Placing : IDisposable
    {
        private int isEnded;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref isEnded, 1) == 0)
            {
                Interlocked.Decrement(ref placing);
            }
        }
    }
}
