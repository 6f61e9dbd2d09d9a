using System.CommandLine;
using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Reports;
using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Tool.CommandLine;
using DiffusionQuant.Tool.Evaluating;
using DiffusionQuant.Tool.Output;
using Spectre.Console;

namespace DiffusionQuant.Tool.Commands;

/// <summary><c>diffquant evaluate</c>: measures a model, or a part of the images of such a run.</summary>
internal sealed class EvaluateCommand
{
    private readonly Argument<string> model = new("MODEL")
    {
        Description = "A quantized model's folder, or any model: an .onnx file, or a folder in diffusers' layout",
    };

    private readonly Option<string?> floatModel = new("--float")
    {
        Description = "The float model to compare with; without it, only distributions are measured",
        HelpName = "MODEL",
    };

    private readonly Option<string> output = new("--output", "-o")
    {
        Description = "The folder that gets metrics.json, report.html and samples; with --shard, the parts",
        HelpName = "FOLDER",
        Required = true,
    };

    private readonly Option<string?> shard = new("--shard")
    {
        Description =
            "Make one of N equal parts, to be merged (default: what Slurm, Kubernetes or RANK and WORLD_SIZE say, or all)",
        HelpName = "I/N",
    };

    private readonly EvaluationOptions evaluation = new();
    private readonly CacheOptions caching = new("Measure even what the cache holds");

    private readonly Option<string?> progressFile = SharedOptions.CreateProgressFile();

    public static Command Create(ToolHost host)
    {
        var self = new EvaluateCommand();
        var command = new Command("evaluate", "Measures a model's quality, beside its float model where one is named.");
        command.Arguments.Add(self.model);
        command.Options.Add(self.floatModel);
        command.Options.Add(self.output);
        self.evaluation.AddTo(command);
        command.Options.Add(self.shard);
        self.caching.AddTo(command);
        command.Options.Add(self.progressFile);
        command.SetAction((result, cancellation) => self.RunAsync(result, host, cancellation));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, ToolHost host, CancellationToken cancellation)
    {
        using var reporter = SharedOptions.CreateReporter(result, host);
        var target = new EvaluationOutput(result.GetValue(output)!);
        var part = FindShard(result, host, reporter);
        var device = host.FindDevice(evaluation.Device(result));
        IdleGpu.Note(host, reporter, evaluation.Device(result), device);
        var request = evaluation.Read(result, result.GetValue(model)!, result.GetValue(floatModel), device) with
        {
            Shard = part,
            Command = CommandText.Of(result, shard, output, progressFile),
        };
        using var workers = Workers.Use(request.Session.Threads);
        SkippedFiles.Warn(reporter, request.Reference);
        using var setup = EvaluationSetup.Of(request);
        var job = new EvaluationJob(host, reporter, caching.Open(result, host, reporter))
        {
            ProgressFile = result.GetValue(progressFile),
            Force = caching.IsForced(result),
        };
        var made = await job.RunAsync(setup, target.Work(setup.PartKey), part.Index == 1, cancellation);
        if (part.Count > 1)
        {
            return SavePart(made, target.Folder, reporter);
        }

        var report = Evaluator.Assemble([(request.ModelPath, made)], setup.Reference, target.Folder);
        HtmlReport.Write(report, target.Folder, target.Page);
        return Tell(report, target, reporter);
    }

    /// <summary>Says what was measured.</summary>
    public static int Tell(EvaluationReport report, EvaluationOutput target, Reporter reporter)
    {
        foreach (var note in report.Notes)
        {
            reporter.Note(note);
        }

        EvaluationResult.Of(report, target.Metrics, target.Page).Tell(reporter);
        return ExitCodes.Fine;
    }

    private Shard FindShard(ParseResult result, ToolHost host, Reporter reporter)
    {
        if (result.GetValue(shard) is { } named)
        {
            return Shard.Parse(named);
        }

        if (Shard.FromEnvironment(host.Variable) is not { Shard.Count: > 1 } found)
        {
            return Shard.Whole;
        }

        reporter.Note($"Part {found.Shard} of the run, as {found.Source} says.");
        return found.Shard;
    }

    private static int SavePart(EvaluationPart part, string folder, Reporter reporter)
    {
        var header = part.Header;
        var path = Path.Combine(
            folder,
            $"{header.Model.Name}-{header.RunKey[..12]}.{header.ShardIndex}of{header.ShardCount}{EvaluationPart.Extension}"
        );
        part.Save(path);
        var report = new PartReport(
            header.Model.Name,
            path,
            header.ShardIndex,
            header.ShardCount,
            part.FirstImage,
            part.EndImage
        );
        reporter.Result(
            report,
            ToolJson.Default.PartReport,
            console =>
                console.WriteLine(
                    $"{path}: part {header.ShardIndex} of {header.ShardCount}, "
                        + (
                            part.FirstImage == part.EndImage
                                ? "without images: there are more parts than batches"
                                : $"images {part.FirstImage} to {part.EndImage - 1}"
                        )
                )
        );
        return ExitCodes.Fine;
    }
}
