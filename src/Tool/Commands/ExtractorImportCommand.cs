using System.CommandLine;
using DiffusionQuant.Evaluation.Features.Inception;
using DiffusionQuant.Tool.Caching;
using DiffusionQuant.Tool.CommandLine;
using DiffusionQuant.Tool.Output;
using Spectre.Console;

namespace DiffusionQuant.Tool.Commands;

/// <summary><c>diffquant extractor import</c>: makes the extractor of FID from a PyTorch checkpoint.</summary>
internal sealed class ExtractorImportCommand
{
    private readonly Argument<string> checkpoint = new("PATH")
    {
        Description = "pt_inception-2015-12-05-6726825d.pth of pytorch-fid, or another state dict of that network",
    };

    private readonly Option<string> output = new("--output", "-o")
    {
        Description = "The folder to write: extractor.json and model.onnx",
        HelpName = "FOLDER",
        Required = true,
    };

    private readonly Option<string?> name = new("--name")
    {
        Description = "The extractor's name, as in FID[name] [default: inception-2015-12-05, or the file's name]",
        HelpName = "NAME",
    };

    public static Command Create(ToolHost host)
    {
        var self = new ExtractorImportCommand();
        var command = new Command(
            "import",
            "Makes the extractor of FID from pytorch-fid's Inception weights. Nothing in the file is executed."
        );
        command.Arguments.Add(self.checkpoint);
        command.Options.Add(self.output);
        command.Options.Add(self.name);
        command.SetAction((result, cancellation) => self.RunAsync(result, host, cancellation));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, ToolHost host, CancellationToken cancellation)
    {
        using var reporter = SharedOptions.CreateReporter(result, host);
        var path = result.GetValue(checkpoint)!;
        var folder = OutputFolder.OfExtractor(result.GetValue(output)!);
        var import = await Task.Run(() => InceptionImport.Load(path, result.GetValue(name)), cancellation);
        cancellation.ThrowIfCancellationRequested();
        folder.Fill(import.Save);
        var settings = import.Settings;
        var report = new ExtractorImportReport(
            path,
            folder.Path,
            settings.Name,
            import.IsStandard,
            settings.SourceSha256!,
            settings.WeightsSha256!
        );
        if (!import.IsStandard)
        {
            reporter.Note(
                $"These are not the weights that FID is defined with: metrics will be called FID[{settings.Name}] and the like."
            );
        }

        reporter.Result(
            report,
            ToolJson.Default.ExtractorImportReport,
            console =>
                console.WriteLine(
                    $"{folder.Path}: the extractor {settings.Name} {(import.IsStandard ? "with FID's standard weights" : $"with the weights of {path}")}"
                )
        );
        return ExitCodes.Fine;
    }
}
