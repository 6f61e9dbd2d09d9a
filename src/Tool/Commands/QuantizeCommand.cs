using System.CommandLine;
using DiffusionQuant.Engine;
using DiffusionQuant.Tool.Caching;
using DiffusionQuant.Tool.CommandLine;
using DiffusionQuant.Tool.Output;

namespace DiffusionQuant.Tool.Commands;

/// <summary><c>diffquant quantize</c>: makes a quantized model, or takes it from the cache.</summary>
internal sealed class QuantizeCommand
{
    private readonly Argument<string> model = new("MODEL")
    {
        Description = "An .onnx file, or a folder in diffusers' layout",
    };

    private readonly Option<string> output = new("--output", "-o")
    {
        Description = "The folder to make; a quantized model that is there is replaced",
        HelpName = "FOLDER",
        Required = true,
    };

    private readonly RecipeOptions recipe = new();

    private readonly Option<string?> cacheDirectory = new("--cache-directory")
    {
        Description =
            $"Where results are kept (default ${CacheLocation.Variable}, or diffusionquant in the user's cache folder)",
        HelpName = "FOLDER",
    };

    private readonly Option<bool> noCache = new("--no-cache")
    {
        Description = "Take nothing from the cache and keep nothing in it",
    };

    private readonly Option<bool> force = new("--force") { Description = "Quantize even what the cache holds" };

    private readonly Option<string?> progressFile = new("--progress-file")
    {
        Description = "Keep a JSON file up to date: stage, fraction, etaSeconds, updated",
        HelpName = "FILE",
    };

    public static Command Create(ToolHost host)
    {
        var self = new QuantizeCommand();
        var command = new Command("quantize", "Quantizes a diffusion model.");
        command.Arguments.Add(self.model);
        command.Options.Add(self.output);
        self.recipe.AddTo(command);
        command.Options.Add(self.cacheDirectory);
        command.Options.Add(self.noCache);
        command.Options.Add(self.force);
        command.Options.Add(self.progressFile);
        command.SetAction((result, cancellation) => self.RunAsync(result, host, cancellation));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, ToolHost host, CancellationToken cancellation)
    {
        using var reporter = SharedOptions.CreateReporter(result, host);
        var started = host.Time.GetTimestamp();
        var path = result.GetValue(model)!;
        var wanted = recipe.Read(result);
        var target = new OutputFolder(result.GetValue(output)!);
        var device = host.FindDevice(wanted.Device);
        IdleGpu.Note(host, reporter, wanted.Device, device);
        var job = new QuantizeJob(host, reporter, path, wanted) { ProgressFile = result.GetValue(progressFile) };
        var cache = result.GetValue(noCache)
            ? null
            : OpenCache(result.GetValue(cacheDirectory) ?? CacheLocation.Default(host.Variable), host, reporter);
        string? key = null;
        var isNew = true;
        if (cache is null)
        {
            target.Fill(folder => job.Make(folder, cancellation));
        }
        else
        {
            key = await job.FindKeyAsync(device, cancellation);
            reporter.Verbose($"The key in the cache is {key}.");
            (var entry, isNew) = await job.FindOrMakeAsync(cache, key, result.GetValue(force), cancellation);
            target.Fill(folder => Folders.Copy(entry, folder, cancellation));
        }

        var report = QuantizeReport.Of(path, target.Path, wanted) with
        {
            Device = device.ToString(),
            CacheKey = key,
            FromCache = !isNew,
            Seconds = Math.Round(host.Time.GetElapsedTime(started).TotalSeconds, 3),
        };
        if (reporter.HasPrefixes)
        {
            reporter.Note(report.Summary);
        }

        reporter.Result(report, ToolJson.Default.QuantizeReport, report.Show);
        return ExitCodes.Fine;
    }

    private static ArtifactCache? OpenCache(string folder, ToolHost host, Reporter reporter)
    {
        try
        {
            return new(Path.GetFullPath(folder), host.Time);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            reporter.Warn(ToolErrors.CacheUnusable(folder, e));
            return null;
        }
    }
}
