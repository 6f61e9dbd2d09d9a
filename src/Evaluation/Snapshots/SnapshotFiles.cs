using System.Text.Json;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Quantization.Artifacts;

namespace DiffusionQuant.Evaluation.Snapshots;

/// <summary>Verified and received files: how they are named, found, written and accepted.</summary>
public static class SnapshotFiles
{
    /// <summary>How the name of a verified file ends.</summary>
    public const string VerifiedSuffix = ".metrics.verified.json";

    /// <summary>How the name of a received file ends.</summary>
    public const string ReceivedSuffix = ".metrics.received.json";

    /// <summary>Folders that hold what builds and package managers made.</summary>
    private static readonly string[] Skipped = ["bin", "obj", "node_modules", ".git"];

    /// <summary>The received file that belongs to a verified one, or to itself.</summary>
    public static string ReceivedPath(string path) => Stem(path) + ReceivedSuffix;

    /// <summary>The verified file that belongs to a received one, or to itself.</summary>
    public static string VerifiedPath(string path) => Stem(path) + VerifiedSuffix;

    /// <summary>Whether a name is that of a verified or a received file.</summary>
    public static bool IsSnapshot(string path) => EndsWith(path, VerifiedSuffix) || EndsWith(path, ReceivedSuffix);

    /// <summary>The command that accepts the received file of a verified one.</summary>
    public static string AcceptCommand(string verifiedPath)
    {
        ArgumentNullException.ThrowIfNull(verifiedPath);
        return $"dotnet diffquant accept {(verifiedPath.Any(char.IsWhiteSpace) ? $"\"{verifiedPath}\"" : verifiedPath)}";
    }

    /// <summary>The received files under a folder, by name; folders of builds and package managers are left out.</summary>
    public static IReadOnlyList<string> FindReceived(string folder)
    {
        var found = new List<string>();
        var waiting = new Stack<DirectoryInfo>([new(folder)]);
        while (waiting.TryPop(out var next))
        {
            found.AddRange(
                next.EnumerateFiles("*" + ReceivedSuffix, Everything)
                    .Select(f =>
                        folder is "."
                            ? Path.GetRelativePath(folder, f.FullName)
                            : Path.Combine(folder, Path.GetRelativePath(folder, f.FullName))
                    )
            );
            foreach (var inner in next.EnumerateDirectories("*", Everything))
            {
                // Links may lead in circles.
                if (!Skipped.Contains(inner.Name, StringComparer.OrdinalIgnoreCase) && inner.LinkTarget is null)
                {
                    waiting.Push(inner);
                }
            }
        }

        return [.. found.Order(StringComparer.Ordinal)];
    }

    /// <summary>
    /// Leaves the received file as the verdict asks: the snapshot as it would be after acceptance where there is something
    /// to accept, and otherwise none.
    /// </summary>
    /// <param name="verifiedPath">The verified file.</param>
    /// <param name="snapshot">The snapshot; null where there is none yet.</param>
    /// <param name="report">The evaluation.</param>
    /// <param name="verdict">The gate's verdict on them.</param>
    /// <returns>The received file; null where none was left.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ2012: it cannot be written.</exception>
    public static string? Settle(
        string verifiedPath,
        MetricsSnapshot? snapshot,
        EvaluationReport report,
        QualityVerdict verdict
    )
    {
        ArgumentNullException.ThrowIfNull(verdict);
        var received = ReceivedPath(verifiedPath);
        if (!verdict.HasChangeToAccept)
        {
            RemoveReceived(verifiedPath);
            return null;
        }

        Write(received, snapshot?.With(report) ?? MetricsSnapshot.Of(report));
        return received;
    }

    /// <summary>Removes the received file of a verified one, where there is one.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ2012: it cannot be removed.</exception>
    public static void RemoveReceived(string verifiedPath)
    {
        var received = ReceivedPath(verifiedPath);
        try
        {
            if (File.Exists(received))
            {
                File.Delete(received);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw QualityErrors.CannotWrite(received, e);
        }
    }

    /// <summary>Reads an evaluation to be accepted.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ2014: it is none.</exception>
    public static EvaluationReport LoadEvaluation(string path)
    {
        try
        {
            var report = EvaluationReport.Parse(File.ReadAllText(path));
            var unknown = report.Metrics?.FirstOrDefault(m => !MetricCatalog.Contains(m.Name))?.Name;
            return report is { Model: not null, Sampling: not null, Metrics: not null } && unknown is null
                ? report
                : throw new JsonException(unknown is null ? "It is not complete." : $"There is no metric '{unknown}'.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw QualityErrors.NotAnEvaluation(path, e);
        }
    }

    /// <summary>Writes a snapshot beside its place and renames it.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ2012: it cannot be written.</exception>
    public static void Write(string path, MetricsSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        try
        {
            AtomicFile.WriteText(path, snapshot.ToJson());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw QualityErrors.CannotWrite(path, e);
        }
    }

    /// <summary>Moves a received file over its verified one.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ2010, DQ2011: it is no snapshot, and nothing is changed;
    /// DQ2012: it cannot be moved.</exception>
    public static void Accept(string receivedPath)
    {
        MetricsSnapshot.Load(receivedPath);
        var verified = VerifiedPath(receivedPath);
        try
        {
            File.Move(receivedPath, verified, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw QualityErrors.CannotWrite(verified, e);
        }
    }

    private static EnumerationOptions Everything { get; } =
        new() { IgnoreInaccessible = true, AttributesToSkip = FileAttributes.None };

    private static string Stem(string path) =>
        EndsWith(path, VerifiedSuffix) ? path[..^VerifiedSuffix.Length]
        : EndsWith(path, ReceivedSuffix) ? path[..^ReceivedSuffix.Length]
        : throw QualityErrors.NotASnapshotName(path);

    private static bool EndsWith(string path, string suffix) =>
        path.EndsWith(suffix, StringComparison.OrdinalIgnoreCase);
}
