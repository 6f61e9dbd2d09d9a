using System.CommandLine;
using DiffusionQuant.Evaluation.Snapshots;
using DiffusionQuant.Tool.CommandLine;
using DiffusionQuant.Tool.Review;
using Spectre.Console;

namespace DiffusionQuant.Tool.Commands;

/// <summary><c>diffquant review</c>: shows received values beside verified ones, and asks about them on a terminal.</summary>
internal sealed class ReviewCommand
{
    private readonly Argument<string?> path = new("PATH")
    {
        Description = "A received or verified file, or a folder that is searched; the current folder when left out",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public static Command Create(ToolHost host)
    {
        var self = new ReviewCommand();
        var command = new Command("review", "Shows what verifications received beside what is verified.");
        command.Arguments.Add(self.path);
        command.SetAction((result, cancellation) => self.RunAsync(result, host, cancellation));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, ToolHost host, CancellationToken cancellation)
    {
        using var reporter = SharedOptions.CreateReporter(result, host);
        var pending = PendingSnapshots.Find([result.GetValue(path) ?? "."]);
        if (pending.Count == 0)
        {
            reporter.Note("There is nothing to review: no received file is waiting.");
        }

        var reviews = pending.Select(SnapshotReview.Of).ToList();
        var asks = host.ReadKey is not null && !result.GetValue(SharedOptions.Json) && !reporter.HasPrefixes;
        if (!asks)
        {
            reporter.Result(
                new(reviews),
                ToolJson.Default.ReviewReport,
                console => reviews.ForEach(r => ReviewText.Show(console, r))
            );
            return ExitCodes.Fine;
        }

        foreach (var (received, review) in pending.Zip(reviews))
        {
            reporter.Show(console => ReviewText.Show(console, review));
            var answer = await AskAsync(reporter.Show, host.ReadKey!, cancellation);
            if (answer == Answer.Quit)
            {
                break;
            }

            if (answer == Answer.Accept)
            {
                SnapshotFiles.Accept(received);
            }
        }

        return ExitCodes.Fine;
    }

    private static async Task<Answer> AskAsync(
        Action<Action<IAnsiConsole>> show,
        Func<CancellationToken, Task<char>> readKey,
        CancellationToken cancellation
    )
    {
        show(c => c.Write(new Text("[a]ccept, [s]kip or [q]uit? ", new Style(decoration: Decoration.Bold))));
        while (true)
        {
            Answer? answer = char.ToLowerInvariant(await readKey(cancellation)) switch
            {
                'a' => Answer.Accept,
                's' => Answer.Skip,
                'q' or '\e' => Answer.Quit,
                _ => null,
            };
            if (answer is { } given)
            {
                var said = given switch
                {
                    Answer.Accept => "accepted",
                    Answer.Skip => "skipped",
                    _ => "the rest stays as it is",
                };
                show(c => c.WriteLine(said + Environment.NewLine));
                return given;
            }
        }
    }

    private enum Answer
    {
        Accept,
        Skip,
        Quit,
    }
}
