using System.CommandLine;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Reports;
using DiffusionQuant.Tool.CommandLine;
using DiffusionQuant.Tool.Output;
using Spectre.Console;

namespace DiffusionQuant.Tool.Commands;

/// <summary><c>diffquant report</c>: makes a page for people of a <c>metrics.json</c>.</summary>
internal sealed class ReportCommand
{
    private readonly Argument<string> metrics = new("METRICS")
    {
        Description = $"A {EvaluationReport.FileName}, or the folder that holds it and its samples",
    };

    private readonly Option<string> output = new("--output", "-o")
    {
        Description = $"The page to write; {HtmlReport.FileName} beside the {EvaluationReport.FileName} if not given",
        HelpName = "FILE",
    };

    public static Command Create(ToolHost host)
    {
        var self = new ReportCommand();
        var command = new Command(
            "report",
            $"Makes a page of a {EvaluationReport.FileName}: one file that needs no network."
        );
        command.Arguments.Add(self.metrics);
        command.Options.Add(self.output);
        command.SetAction(result => self.Run(result, host));
        return command;
    }

    private int Run(ParseResult result, ToolHost host)
    {
        using var reporter = SharedOptions.CreateReporter(result, host);
        var measured = MetricsFile.Load(result.GetValue(metrics)!);
        var page = Path.GetFullPath(result.GetValue(output) ?? Path.Combine(measured.Folder, HtmlReport.FileName));
        var warnings = HtmlReport.Write(measured.Report, measured.Folder, page);
        foreach (var warning in warnings)
        {
            reporter.Warn(warning);
        }

        reporter.Result(
            new WrittenReport(page, new FileInfo(page).Length, measured.Report.Samples.Count - warnings.Count),
            ToolJson.Default.WrittenReport,
            console =>
                console.WriteLine($"{page}: {Humanize.Bytes(new FileInfo(page).Length)}, one file to open or send")
        );
        return ExitCodes.Fine;
    }
}
