using System.CommandLine;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Quantization.Datasets;
using DiffusionQuant.Tool.CommandLine;
using DiffusionQuant.Tool.Progress;

namespace DiffusionQuant.Tool.Commands;

/// <summary><c>diffquant reference make</c>: statistics of the user's own images.</summary>
internal sealed class ReferenceMakeCommand
{
    private const int MostRows = 10_000_000;
    private const int WidestBorder = 1024;

    private readonly Argument<string> data = new("DATA")
    {
        Description =
            "Images: a .npz file (arr_0), a .npy file, a CIFAR-10 .bin file or a folder of them, a folder of images (PNG, JPEG, BMP, WebP, GIF, TIFF, TGA)",
    };

    private readonly Option<string> output = new("--output", "-o")
    {
        Description = $"The statistics to write ({ReferenceStatistics.FileEnding})",
        HelpName = "FILE",
        Required = true,
    };

    private readonly Option<string> extractor = new("--extractor")
    {
        Description = $"'{FeatureExtractor.DefaultName}', a folder with extractor.json, or an .onnx file",
        HelpName = "NAME|PATH",
        DefaultValueFactory = _ => FeatureExtractor.DefaultName,
    };

    private readonly Option<string?> name = new("--name")
    {
        Description = "What to call the set; by default as the output file is called",
        HelpName = "NAME",
    };

    private readonly Option<long?> limit = new("--limit")
    {
        Description = "Take the first N images only",
        HelpName = "N",
    };

    private readonly Option<int> pad = new("--pad")
    {
        Description = "Put N black pixels round each image",
        HelpName = "N",
        DefaultValueFactory = _ => 0,
    };

    private readonly Option<int> reservoir = new("--reservoir")
    {
        Description = "How many single feature rows to keep for KID, precision and recall",
        HelpName = "N",
        DefaultValueFactory = _ => ReferenceOptions.Default.ReservoirSize,
    };

    private readonly DeviceOptions device = new();

    public static Command Create(ToolHost host)
    {
        var self = new ReferenceMakeCommand();
        var command = new Command("make", "Makes the statistics of a set of images.");
        command.Arguments.Add(self.data);
        Option[] options = [self.output, self.extractor, self.name, self.limit, self.pad, self.reservoir];
        foreach (var option in options)
        {
            command.Options.Add(option);
        }

        self.device.AddTo(command);
        command.SetAction((result, cancellation) => self.RunAsync(result, host, cancellation));
        return command;
    }

    private static long Within(string option, long value, long least, long most) =>
        value >= least && value <= most ? value : throw ToolErrors.BadNumber(option, value, least, most);

    private async Task<int> RunAsync(ParseResult result, ToolHost host, CancellationToken cancellation)
    {
        using var reporter = SharedOptions.CreateReporter(result, host);
        var file = Path.GetFullPath(result.GetValue(output)!);
        if (!file.EndsWith(ReferenceStatistics.FileEnding, StringComparison.OrdinalIgnoreCase))
        {
            throw ToolErrors.NotReference(file);
        }

        var path = result.GetValue(data)!;
        var border = (int)Within(pad.Name, result.GetValue(pad), 0, WidestBorder);
        var rows = (int)Within(reservoir.Name, result.GetValue(reservoir), 0, MostRows);
        var source = ImageSources.Open(path).Pad(border);
        SkippedFiles.Warn(reporter, path);
        if (result.GetValue(limit) is { } count)
        {
            source = source.Take(Within(limit.Name, count, 2, long.MaxValue));
        }

        var session = device.Read(result, host, reporter);
        var called = result.GetValue(name) ?? Path.GetFileNameWithoutExtension(file);
        var maker = new ReferenceMaker(called, source, result.GetValue(extractor)!, rows, file);
        using var progress = ProgressHub.Create(host, reporter, progressFile: null);
        var made = await Task.Run(() => maker.Run(session, progress, cancellation), cancellation);
        var report = new ReferenceReport(
            made.Name,
            made.Images,
            path,
            file,
            made.Identity.Sha256,
            made.Extractor.Name,
            made.Extractor.Sha256,
            made.Features.Dimensions,
            made.Reservoir.Length / made.Features.Dimensions
        );
        reporter.Result(report, ToolJson.Default.ReferenceReport, report.Show);
        return ExitCodes.Fine;
    }
}
