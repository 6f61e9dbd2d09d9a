using System.Text.Json;
using DiffusionQuant.Onnx.Serialization;
using DiffusionQuant.Tool.Output;

namespace DiffusionQuant.Tool.Progress;

/// <summary>
/// Progress for other programs: a small JSON file that is always whole, since it is written beside and renamed.
/// </summary>
internal sealed class ProgressFile(string path, TimeProvider time, Reporter reporter) : IProgressView
{
    /// <summary>Who looks at the file looks a few times a second at most.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    private ProgressState? pending;
    private ProgressState? written;
    private long lastWrite;

    public void Show(ProgressState state)
    {
        pending = state;
        if (written is null || written.Stage != state.Stage || time.GetElapsedTime(lastWrite) >= Pause)
        {
            Write();
        }
    }

    public void Dispose()
    {
        if (pending is not null && !ReferenceEquals(pending, written))
        {
            Write();
        }
    }

    private void Write()
    {
        var report = new ProgressReport(
            pending!.Stage,
            Math.Round(pending.Fraction, 4),
            pending.Remaining is { } left ? Math.Round(left.TotalSeconds) : null,
            time.GetUtcNow()
        );
        var temporary = UnfinishedWork.Begin($"{path}.{Guid.NewGuid():N}.tmp");
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            File.WriteAllText(temporary, JsonSerializer.Serialize(report, ToolJson.Default.ProgressReport));
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A reader that holds the file, or a full disk, must not end hours of work.
            reporter.Verbose($"{path}: progress could not be written: {e.Message}");
            TryDelete(temporary);
        }
        finally
        {
            UnfinishedWork.End(temporary);
        }

        (written, lastWrite) = (pending, time.GetTimestamp());
    }

    private static void TryDelete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It was the same obstacle.
        }
    }
}
