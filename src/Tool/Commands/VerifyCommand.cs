using System.CommandLine;
using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Reports;
using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Evaluation.Snapshots;
using DiffusionQuant.Tool.CommandLine;
using DiffusionQuant.Tool.Evaluating;
using DiffusionQuant.Tool.Output;

namespace DiffusionQuant.Tool.Commands;

/// <summary><c>diffquant verify</c>: measures a quantized model and says whether it is as good as it was, or as it must be.</summary>
internal sealed class VerifyCommand
{
    private readonly Argument<string> model = new("MODEL") { Description = "A quantized model's folder" };

    private readonly Option<string> floatModel = new("--float")
    {
        Description = "The float model it was made from",
        HelpName = "MODEL",
        Required = true,
    };

    private readonly Option<string> output = new("--output", "-o")
    {
        Description = "The folder that gets metrics.json, report.html and samples",
        HelpName = "FOLDER",
        Required = true,
    };

    private readonly Option<string?> snapshot = new("--snapshot")
    {
        Description = $"The verified metrics (NAME{SnapshotFiles.VerifiedSuffix}); what is not there is not compared",
        HelpName = "FILE",
    };

    private readonly Option<bool> noSnapshot = new("--no-snapshot")
    {
        Description = "Compare with no snapshot, not even with the one beside the float model",
    };

    private readonly Option<bool> requireSnapshot = new("--require-snapshot")
    {
        Description = "Fail where there is no snapshot, and leave one to be accepted",
    };

    private readonly LimitOptions limiting = new();
    private readonly EvaluationOptions evaluation = new();
    private readonly CacheOptions caching = new("Measure even what the cache holds");

    private readonly Option<string?> progressFile = SharedOptions.CreateProgressFile();
    private readonly Option<string?> inputsFile = InputFiles.CreateOption();

    public static Command Create(ToolHost host)
    {
        var self = new VerifyCommand();
        var command = new Command(
            "verify",
            $"Measures a quantized model and compares it with a snapshot and with limits; exit code {ExitCodes.Quality} where it is not good enough."
        );
        command.Arguments.Add(self.model);
        Option[] options = [self.floatModel, self.output, self.snapshot, self.noSnapshot, self.requireSnapshot];
        foreach (var option in options)
        {
            command.Options.Add(option);
        }

        self.limiting.AddTo(command);
        self.evaluation.AddTo(command);
        self.caching.AddTo(command);
        command.Options.Add(self.progressFile);
        command.Options.Add(self.inputsFile);
        command.SetAction((result, cancellation) => self.RunAsync(result, host, cancellation));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, ToolHost host, CancellationToken cancellation)
    {
        using var reporter = SharedOptions.CreateReporter(result, host);
        var target = new EvaluationOutput(result.GetValue(output)!);
        var limits = limiting.Read(result);
        var isRequired = result.GetValue(requireSnapshot);
        var path = result.GetValue(noSnapshot) ? null : SnapshotPath(result);
        if (path is null && isRequired)
        {
            throw ToolErrors.BadCommandLine(
                "--no-snapshot and --require-snapshot exclude each other",
                result.CommandResult.Command
            );
        }

        var inputs = new InputFiles();
        inputs.Add(path);
        inputs.Add(result.GetValue(floatModel));
        var verified = path is not null && File.Exists(path) ? MetricsSnapshot.Load(path) : null;
        var device = host.FindDevice(evaluation.Device(result));
        IdleGpu.Note(host, reporter, evaluation.Device(result), device);
        var request = evaluation.Read(result, result.GetValue(model)!, result.GetValue(floatModel), device) with
        {
            Command = CommandText.Of(result, output, progressFile, inputsFile),
        };
        using var workers = Workers.Use(request.Session.Threads);
        SkippedFiles.Warn(reporter, request.Reference);
        using var setup = EvaluationSetup.Of(
            WithCounts(request, verified, limits.MaxFidIncrease is not null || isRequired)
        );
        inputs.Add(setup.FindFiles());
        var job = new EvaluationJob(host, reporter, caching.Open(result, host, reporter))
        {
            ProgressFile = result.GetValue(progressFile),
            Force = caching.IsForced(result),
        };
        var part = await job.RunAsync(setup, target.Work(setup.PartKey), measuresSpeed: true, cancellation);
        var report = Evaluator.Assemble([(request.ModelPath, part)], setup.Reference, target.Folder);
        var context = new GateContext(verified is null && !isRequired ? null : path, ReportPath: target.Page);
        var verdict = QualityGate.Check(report, verified, limits, context);
        var received = context.SnapshotPath is null
            ? null
            : SnapshotFiles.Settle(context.SnapshotPath, verified, report, verdict);
        HtmlReport.Write(report, target.Folder, target.Page, GatePage.Context(verdict, context));
        inputs.Write(result.GetValue(inputsFile));
        Tell(reporter, report, verdict, target, received);
        return verdict.Passes ? ExitCodes.Fine : ExitCodes.Quality;
    }

    /// <summary>Says what was measured, and what the gate found.</summary>
    public static void Tell(
        Reporter reporter,
        EvaluationReport report,
        QualityVerdict verdict,
        EvaluationOutput target,
        string? received
    )
    {
        foreach (var note in report.Notes)
        {
            reporter.Verbose(note);
        }

        foreach (var finding in verdict.Findings)
        {
            switch (finding.Severity)
            {
                case QualitySeverity.Error:
                    reporter.Error(finding.ToException());
                    break;
                case QualitySeverity.Warning:
                    reporter.Warn(finding.ToException());
                    break;
                default:
                    reporter.Note($"{finding.Code}: {finding.Message}");
                    break;
            }
        }

        EvaluationResult.Of(report, target.Metrics, target.Page).With(verdict, received).Tell(reporter);
    }

    /// <summary>The place of verified metrics that the user named.</summary>
    public static string VerifiedPath(string named, ParseResult result) =>
        SnapshotFiles.IsSnapshot(named)
            ? SnapshotFiles.VerifiedPath(named)
            : throw ToolErrors.BadCommandLine(
                $"A snapshot's name ends in {SnapshotFiles.VerifiedSuffix}",
                result.CommandResult.Command
            );

    private string? SnapshotPath(ParseResult result)
    {
        if (result.GetValue(snapshot) is { } named)
        {
            return VerifiedPath(named, result);
        }

        // Beside the float model, where a build keeps it.
        var source = Path.TrimEndingDirectorySeparator(Path.GetFullPath(result.GetValue(floatModel)!));
        var name = ModelIdentity.NameOf(source) + SnapshotFiles.VerifiedSuffix;
        return Path.Combine(Path.GetDirectoryName(source)!, name);
    }

    /// <summary>Numbers of images that were not given are the snapshot's, for only those can be compared; hundreds of images
    /// are made only where something asks for their distribution.</summary>
    private static EvaluationRequest WithCounts(
        EvaluationRequest request,
        MetricsSnapshot? snapshot,
        bool needsDistribution
    )
    {
        var counts = snapshot?.ImageCounts;
        int? distribution =
            counts is { Distribution: > 0 } verified ? verified.Distribution
            : needsDistribution ? null
            : 0;
        return request with
        {
            PairedImages = request.PairedImages ?? (counts is { Paired: > 0 } ? counts.Value.Paired : null),
            DistributionImages = request.DistributionImages ?? distribution,
        };
    }
}
