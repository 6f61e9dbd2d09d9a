using System.CommandLine;
using DiffusionQuant.Evaluation.Snapshots;
using DiffusionQuant.Tool.CommandLine;
using DiffusionQuant.Tool.Output;
using DiffusionQuant.Tool.Review;

namespace DiffusionQuant.Tool.Commands;

/// <summary><c>diffquant accept</c>: makes received values the verified ones.</summary>
internal sealed class AcceptCommand
{
    private readonly Argument<string[]> paths = new("PATH")
    {
        Description = "A received or verified file, or a folder that is searched; the current folder when left out",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string?> from = new("--from")
    {
        Description = "Accept an evaluation instead of a received file; with --snapshot",
        HelpName = "metrics.json",
    };

    private readonly Option<string?> snapshot = new("--snapshot")
    {
        Description = "The snapshot to write for --from: NAME.metrics.verified.json",
        HelpName = "FILE",
    };

    public static Command Create(ToolHost host)
    {
        var self = new AcceptCommand();
        var command = new Command("accept", "Accepts the quality that a verification received.");
        command.Arguments.Add(self.paths);
        command.Options.Add(self.from);
        command.Options.Add(self.snapshot);
        command.SetAction(result => self.Run(result, host));
        return command;
    }

    private int Run(ParseResult result, ToolHost host)
    {
        using var reporter = SharedOptions.CreateReporter(result, host);
        var (evaluation, target) = (result.GetValue(from), result.GetValue(snapshot));
        var given = result.GetValue(paths) ?? [];
        if ((evaluation is null) != (target is null) || (evaluation is not null && given.Length > 0))
        {
            throw ToolErrors.BadCommandLine(
                "--from and --snapshot belong together, without a PATH",
                result.CommandResult.Command
            );
        }

        var accepted = evaluation is null ? AcceptReceived(given, reporter) : [AcceptEvaluation(evaluation, target!)];
        reporter.Result(
            new(accepted),
            ToolJson.Default.AcceptReport,
            console =>
            {
                foreach (var review in accepted)
                {
                    ReviewText.ShowAccepted(console, review);
                }
            }
        );
        return ExitCodes.Fine;
    }

    private static List<SnapshotReview> AcceptReceived(string[] given, Reporter reporter)
    {
        var pending = PendingSnapshots.Find(given.Length == 0 ? ["."] : given);
        if (pending.Count == 0)
        {
            reporter.Note("There is nothing to accept: no received file is waiting.");
        }

        // All are read before the first is moved: a file that cannot be read leaves everything as it was.
        var reviews = pending.Select(SnapshotReview.Of).ToList();
        foreach (var received in pending)
        {
            SnapshotFiles.Accept(received);
        }

        return reviews;
    }

    private static SnapshotReview AcceptEvaluation(string evaluation, string target)
    {
        var verified = SnapshotFiles.VerifiedPath(target);
        var report = SnapshotFiles.LoadEvaluation(evaluation);
        var before = File.Exists(verified) ? MetricsSnapshot.Load(verified) : null;
        var after = before?.With(report) ?? MetricsSnapshot.Of(report);
        SnapshotFiles.Write(verified, after);
        SnapshotFiles.RemoveReceived(verified);
        return SnapshotReview.Of(verified, before, after);
    }
}
