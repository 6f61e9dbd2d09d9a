using System.CommandLine;
using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Tool.CommandLine;

namespace DiffusionQuant.Tool.Commands;

/// <summary><c>diffquant extractor</c>: the networks whose features distribution metrics compare.</summary>
internal static class ExtractorCommand
{
    public static Command Create(ToolHost host)
    {
        var command = new Command(
            "extractor",
            "Imports and shows the networks whose features FID and its kin compare."
        );
        command.Subcommands.Add(ExtractorImportCommand.Create(host));
        command.Subcommands.Add(CreateShow(host));
        return command;
    }

    private static Command CreateShow(ToolHost host)
    {
        var extractor = new Argument<string>("EXTRACTOR")
        {
            Description = $"'{FeatureExtractor.DefaultName}', a folder with extractor.json, or an .onnx file",
        };
        var command = new Command("show", "Shows an extractor's identity, input and outputs.");
        command.Arguments.Add(extractor);
        command.SetAction(result =>
        {
            using var reporter = SharedOptions.CreateReporter(result, host);
            using var loaded = FeatureExtractor.Load(
                result.GetValue(extractor)!,
                new SessionSettings { Device = Device.Cpu }
            );
            var report = ExtractorReport.Of(loaded);
            reporter.Result(report, ToolJson.Default.ExtractorReport, report.Show);
            return ExitCodes.Fine;
        });
        return command;
    }
}
