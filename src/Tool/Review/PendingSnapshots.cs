using DiffusionQuant.Evaluation.Snapshots;

namespace DiffusionQuant.Tool.Review;

/// <summary>Finds the received files that paths stand for.</summary>
internal static class PendingSnapshots
{
    /// <summary>Finds them.</summary>
    /// <param name="paths">Received files, verified files (also such as are not there yet), or folders that are searched
    /// with all below them.</param>
    /// <returns>Received files that exist, each once.</returns>
    public static IReadOnlyList<string> Find(IEnumerable<string> paths)
    {
        var found = new List<string>();
        foreach (var path in paths)
        {
            if (Directory.Exists(path))
            {
                found.AddRange(SnapshotFiles.FindReceived(path));
                continue;
            }

            if (!SnapshotFiles.IsSnapshot(path) && !File.Exists(path))
            {
                throw ToolErrors.PathNotFound(path);
            }

            var received = SnapshotFiles.ReceivedPath(path);
            if (File.Exists(received))
            {
                found.Add(received);
            }
            else if (!File.Exists(SnapshotFiles.VerifiedPath(path)))
            {
                throw ToolErrors.PathNotFound(path);
            }
        }

        return [.. found.DistinctBy(Path.GetFullPath)];
    }
}
