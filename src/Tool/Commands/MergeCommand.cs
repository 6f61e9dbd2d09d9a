using System.CommandLine;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Evaluation.Reports;
using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Evaluation.Snapshots;
using DiffusionQuant.Tool.CommandLine;
using DiffusionQuant.Tool.Evaluating;
using DiffusionQuant.Tool.Output;

namespace DiffusionQuant.Tool.Commands;

/// <summary><c>diffquant merge</c>: puts the parts of an evaluation together.</summary>
internal sealed class MergeCommand
{
    private readonly Argument<string[]> parts = new("PARTS")
    {
        Description = $"Files of diffquant evaluate --shard (*{EvaluationPart.Extension}), or folders of them",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string> output = new("--output", "-o")
    {
        Description = "The folder that gets metrics.json, report.html and samples, or its metrics.json",
        HelpName = "FOLDER",
        Required = true,
    };

    private readonly Option<string?> reference = new("--reference")
    {
        Description = "Where the parts' reference is, if not where they found it",
        HelpName = "NAME|PATH",
    };

    private readonly Option<string?> extractor = new("--extractor")
    {
        Description = "The parts' extractor, where the reference is image data whose features are still to be computed",
        HelpName = "NAME|PATH",
    };

    private readonly Option<string?> snapshot = new("--snapshot")
    {
        Description =
            $"Compare with these verified metrics (NAME{SnapshotFiles.VerifiedSuffix}); where there are none, fail and leave some to be accepted",
        HelpName = "FILE",
    };

    private readonly LimitOptions limiting = new();

    public static Command Create(ToolHost host)
    {
        var self = new MergeCommand();
        var command = new Command("merge", "Puts the parts of an evaluation together that many machines made.");
        command.Arguments.Add(self.parts);
        command.Options.Add(self.output);
        command.Options.Add(self.reference);
        command.Options.Add(self.extractor);
        command.Options.Add(self.snapshot);
        self.limiting.AddTo(command);
        command.SetAction((result, _) => Task.FromResult(self.Run(result, host)));
        return command;
    }

    private int Run(ParseResult result, ToolHost host)
    {
        using var reporter = SharedOptions.CreateReporter(result, host);
        var target = new EvaluationOutput(result.GetValue(output)!);
        var path = result.GetValue(snapshot) is { } named ? VerifyCommand.VerifiedPath(named, result) : null;
        var files = result.GetValue(parts)!.SelectMany(Files).Distinct(StringComparer.Ordinal).ToArray();
        var loaded = files.Select(f => (f, EvaluationPart.Load(f))).ToArray();
        var report = Evaluator.Assemble(loaded, FindReference(result, loaded[0].Item2.Header), target.Folder);
        var limits = limiting.Read(result);
        if (path is not null || !limits.AreNone)
        {
            return Check(report, path, limits, target, reporter);
        }

        HtmlReport.Write(report, target.Folder, target.Page);
        return EvaluateCommand.Tell(report, target, reporter);
    }

    private static int Check(
        EvaluationReport report,
        string? path,
        QualityLimits limits,
        EvaluationOutput target,
        Reporter reporter
    )
    {
        var verified = path is not null && File.Exists(path) ? MetricsSnapshot.Load(path) : null;
        var context = new GateContext(path, ReportPath: target.Page);
        var verdict = QualityGate.Check(report, verified, limits, context);
        var received = path is null ? null : SnapshotFiles.Settle(path, verified, report, verdict);
        HtmlReport.Write(report, target.Folder, target.Page, GatePage.Context(verdict, context));
        VerifyCommand.Tell(reporter, report, verdict, target, received);
        return verdict.Passes ? ExitCodes.Fine : ExitCodes.Quality;
    }

    private static IEnumerable<string> Files(string path) =>
        Directory.Exists(path) ? EvaluationPart.FindIn(path) : [path];

    private ReferenceStatistics? FindReference(ParseResult result, PartHeader header)
    {
        if (header.Reference is null || header.Extractor is null)
        {
            return null;
        }

        var source = result.GetValue(reference) ?? header.ReferenceSource ?? header.Reference.Name;
        if (source.EndsWith(ReferenceStatistics.FileEnding, StringComparison.OrdinalIgnoreCase))
        {
            return ReferenceStatistics.Read(source);
        }

        using var network = FeatureExtractor.Load(result.GetValue(extractor) ?? header.Extractor.Name);
        return ReferenceStatistics.Load(source, network);
    }
}
