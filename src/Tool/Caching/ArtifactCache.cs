using System.Text.Json;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Onnx.Serialization;
using DiffusionQuant.Tool.Output;

namespace DiffusionQuant.Tool.Caching;

/// <summary>
/// Results by what decides them: quantized models, and what evaluations keep. An entry is written beside and renamed, so it is there as a whole or not at
/// all; what happened to it later is found by its manifest.
/// </summary>
internal sealed class ArtifactCache
{
    private const string ArtifactFolder = "artifact";

    /// <summary>A run that was stopped and did not go on for so long will not.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromDays(30);

    private readonly string folder;
    private readonly TimeProvider time;

    /// <summary>Opens a cache.</summary>
    /// <param name="folder">Made if it does not exist.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="IOException">It cannot be made or written; so for <see cref="UnauthorizedAccessException"/>.</exception>
    public ArtifactCache(string folder, TimeProvider time)
    {
        this.folder = folder;
        this.time = time;
        Directory.CreateDirectory(Locks);
        Directory.CreateDirectory(Entries);
        Directory.CreateDirectory(Works);
        File.WriteAllBytes(Path.Combine(folder, "CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55\n"u8);
        RemoveAbandoned();
    }

    private string Entries => Path.Combine(folder, "entries");

    private string Locks => Path.Combine(folder, "locks");

    /// <summary>Where a run keeps what one that follows can go on from, for an entry that is not made yet.</summary>
    public string UnfinishedFolder(string key) => Path.Combine(Unfinished, key);

    private string Unfinished => Path.Combine(folder, "unfinished");

    private string Works => Path.Combine(folder, "work");

    /// <summary>The files of an entry that is whole: their folder; null when there is none.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="damaged">Called with what is wrong when there is one that is damaged.</param>
    /// <param name="cancellation">Ends the checking.</param>
    public async Task<string?> FindAsync(
        string key,
        Action<DiffusionQuantException> damaged,
        CancellationToken cancellation
    )
    {
        var entry = Path.Combine(Entries, key);
        var artifact = Path.Combine(entry, ArtifactFolder);
        if (!Directory.Exists(entry))
        {
            return null;
        }

        string? fault;
        try
        {
            var manifest = CacheManifest.Read(Path.Combine(entry, CacheManifest.FileName));
            fault = manifest is null ? "it has no manifest" : await manifest.FindFaultAsync(artifact, cancellation);
            if (fault is null)
            {
                return artifact;
            }
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            fault = e is JsonException ? "its manifest is not readable" : e.Message;
        }

        damaged(ToolErrors.EntryDamaged(entry, fault));
        return null;
    }

    /// <summary>Takes the right to make an entry; see <see cref="CacheLock"/>.</summary>
    public Task<CacheLock> LockAsync(string key, Action waiting, CancellationToken cancellation) =>
        CacheLock.TakeAsync(Path.Combine(Locks, key), waiting, time, cancellation);

    /// <summary>Makes an entry and puts it in the place of any that is there. The caller holds its lock.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="make">Writes the files into an empty folder.</param>
    /// <param name="cancellation">Ends the making; nothing is kept then.</param>
    /// <returns>The folder of its files.</returns>
    public async Task<string> MakeAsync(string key, Func<string, Task> make, CancellationToken cancellation)
    {
        var work = UnfinishedWork.Begin(Path.Combine(Works, key));
        try
        {
            // Who holds the lock may remove what a killed process left.
            Folders.Delete(work);
            var artifact = Directory.CreateDirectory(Path.Combine(work, ArtifactFolder)).FullName;
            await make(artifact);
            var manifest = await CacheManifest.OfAsync(artifact, cancellation);
            manifest.Write(Path.Combine(work, CacheManifest.FileName));
            var entry = Path.Combine(Entries, key);
            Folders.Replace(entry, work);
            return Path.Combine(entry, ArtifactFolder);
        }
        finally
        {
            Folders.Delete(work);
            UnfinishedWork.End(work);
        }
    }

    /// <summary>
    /// Takes an entry, or makes it. Of several runs that want one entry, one makes it and the others wait for it.
    /// </summary>
    /// <param name="key">Its key.</param>
    /// <param name="force">Whether to make it even if it is there.</param>
    /// <param name="reporter">Is told of waiting and of damaged entries.</param>
    /// <param name="make">Writes the files into an empty folder.</param>
    /// <param name="cancellation">Ends waiting and work.</param>
    /// <returns>The folder of its files, and whether this run made them.</returns>
    public async Task<(string Folder, bool IsNew)> FindOrMakeAsync(
        string key,
        bool force,
        Reporter reporter,
        Func<string, Task> make,
        CancellationToken cancellation
    )
    {
        if (!force && await FindAsync(key, reporter.Warn, cancellation) is { } found)
        {
            return (found, false);
        }

        using var right = await LockAsync(
            key,
            () => reporter.Note("Another run is making the same result: waiting for it."),
            cancellation
        );
        // The one that was waited for has made it; what was said of a damaged entry need not be said twice.
        return !force && await FindAsync(key, _ => { }, cancellation) is { } made
            ? (made, false)
            : (await MakeAsync(key, make, cancellation), true);
    }

    /// <summary>Nobody asks again for most of what was stopped: the recipe has changed since.</summary>
    private void RemoveAbandoned()
    {
        if (!Directory.Exists(Unfinished))
        {
            return;
        }

        var oldest = (time.GetUtcNow() - LongestPause).UtcDateTime;
        foreach (var run in new DirectoryInfo(Unfinished).EnumerateDirectories())
        {
            try
            {
                // A folder that was just made has no files yet.
                if (
                    run.EnumerateFileSystemInfos("*", SearchOption.AllDirectories)
                        .Append(run)
                        .All(f => f.LastWriteTimeUtc < oldest)
                )
                {
                    Folders.Delete(run.FullName);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another process removes it too, or it is not ours to remove.
            }
        }
    }
}
