namespace DiffusionQuant.Evaluation.Runs;

/// <summary>What a killed run had measured, so that the next one goes on from there. It holds the
/// sums themselves: a run that was resumed gives what one without a stop gives, to the rounding of float64.</summary>
/// <param name="path">Its file.</param>
/// <param name="key">Names the run: what another run left is not used.</param>
/// <param name="interval">The least time between two savings.</param>
internal sealed class Checkpoint(string path, string key, TimeSpan interval)
{
    // The sums of a large extractor are hundreds of megabytes: saving them may not take a noticeable share of the run.
    private const int LeastTimesItsDuration = 20;

    private long saved = TimeProvider.System.GetTimestamp();
    private readonly TimeSpan least = interval;
    private TimeSpan pause = interval;

    private static ReadOnlySpan<byte> Magic => "DQSAVE01"u8;

    /// <summary>Reads the state that was saved last.</summary>
    /// <param name="read">Reads what was written.</param>
    /// <returns>The number of batches that are done, and the state; null where nothing of this run is there.</returns>
    public (int Batches, T State)? Restore<T>(Func<BinaryReader, T> read)
    {
        try
        {
            return File.Exists(path)
                ? SealedFile.Read(
                    path,
                    Magic,
                    reader =>
                        reader.ReadString() == key
                            ? (reader.ReadInt32(), read(reader))
                            : throw new InvalidDataException("It is another run's.")
                )
                : null;
        }
        catch (InvalidDataException)
        {
            // A run can always begin anew.
            return null;
        }
    }

    /// <summary>Saves the state if the last saving is long enough ago.</summary>
    /// <param name="batches">The number of batches that are done.</param>
    /// <param name="write">Writes the state.</param>
    public void SaveNowAndThen(int batches, Action<BinaryWriter> write)
    {
        if (TimeProvider.System.GetElapsedTime(saved) < pause)
        {
            return;
        }

        var start = TimeProvider.System.GetTimestamp();
        SealedFile.Write(
            path,
            Magic,
            writer =>
            {
                writer.Write(key);
                writer.Write(batches);
                write(writer);
            }
        );
        saved = TimeProvider.System.GetTimestamp();
        var enough = LeastTimesItsDuration * TimeProvider.System.GetElapsedTime(start, saved);
        pause = least == TimeSpan.Zero || enough < least ? least : enough;
    }

    /// <summary>Removes the file.</summary>
    public void Delete() => File.Delete(path);
}
