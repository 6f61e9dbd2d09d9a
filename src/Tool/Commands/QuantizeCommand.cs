using System.CommandLine;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Tool.Caching;
using DiffusionQuant.Tool.CommandLine;
using DiffusionQuant.Tool.Fallback;
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

    private readonly Option<int> memoryBudget = new("--memory-budget")
    {
        Description = "Memory in MB that calibration data may take before it goes to files",
        HelpName = "MB",
        DefaultValueFactory = _ => (int)(PassContext.UsualMemory >> 20),
    };

    private readonly FallbackOptions fallingBack = new();
    private readonly CacheOptions caching = new("Quantize even what the cache holds");

    private readonly Option<string?> progressFile = SharedOptions.CreateProgressFile();
    private readonly Option<string?> inputsFile = InputFiles.CreateOption();

    public static Command Create(ToolHost host)
    {
        var self = new QuantizeCommand();
        var command = new Command("quantize", "Quantizes a diffusion model.");
        command.Arguments.Add(self.model);
        command.Options.Add(self.output);
        self.recipe.AddTo(command);
        command.Options.Add(self.memoryBudget);
        self.fallingBack.AddTo(command);
        self.caching.AddTo(command);
        command.Options.Add(self.progressFile);
        command.Options.Add(self.inputsFile);
        command.SetAction((result, cancellation) => self.RunAsync(result, host, cancellation));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, ToolHost host, CancellationToken cancellation)
    {
        using var reporter = SharedOptions.CreateReporter(result, host);
        var started = host.Time.GetTimestamp();
        var path = result.GetValue(model)!;
        var inputs = new InputFiles();
        inputs.Add(path);
        inputs.Add(recipe.FilePath(result));
        var wanted = recipe.Read(result);
        using var workers = Workers.Use(wanted.Threads);
        inputs.Add(wanted.Conditioning);
        inputs.Add(wanted.Prompts);
        inputs.Add(wanted.TrainingData);
        var budget = (long)result.GetValue(memoryBudget);
        if (budget < 0)
        {
            throw ToolErrors.BadNumber(memoryBudget.Name, budget, 0, int.MaxValue);
        }

        var target = new OutputFolder(result.GetValue(output)!);
        var device = host.FindDevice(wanted.Device);
        IdleGpu.Note(host, reporter, wanted.Device, device);
        if (WeightsHash.FindMismatch(path, wanted) is { } other)
        {
            reporter.Warn(other);
        }

        var fallback = fallingBack.Read(result, path, wanted, device);
        SkippedFiles.Warn(reporter, wanted.TrainingData);
        SkippedFiles.Warn(reporter, fallback?.Measurement.Reference);
        var job = Job(wanted);
        var cache = caching.Open(result, host, reporter);
        string? key = null;
        var isNew = true;
        if (fallback is not null)
        {
            using var scratch = ScratchCache.Where(cache is null, host);
            var raised = await new FallbackJob(host, reporter, cache ?? scratch!.Cache, fallback, Job)
            {
                ProgressFile = result.GetValue(progressFile),
                Inputs = inputs,
            }.RunAsync(wanted, device, caching.IsForced(result), cancellation);
            target.Fill(folder =>
            {
                Folders.Copy(raised.Folder, folder, cancellation);
                raised.Describe(folder);
                job.AddOtherParts(folder, cancellation);
            });
            (wanted, isNew, key) = (raised.Recipe, raised.IsNew, cache is null ? null : raised.Key);
            if (!raised.Report.Holds)
            {
                reporter.Warn(ToolErrors.LimitsOutOfReach(path, raised.Limits));
            }
        }
        else if (cache is null)
        {
            inputs.Add(ModelFiles.Find(path, wanted).All);
            target.Fill(folder =>
            {
                job.Make(folder, null, cancellation);
                job.AddOtherParts(folder, cancellation);
            });
        }
        else
        {
            key = await job.FindKeyAsync(device, cancellation);
            reporter.Verbose($"The key in the cache is {key}.");
            (var entry, isNew) = await job.FindOrMakeAsync(cache, key, device, caching.IsForced(result), cancellation);
            target.Fill(folder =>
            {
                Folders.Copy(entry, folder, cancellation);
                job.AddOtherParts(folder, cancellation);
            });
        }

        inputs.Write(result.GetValue(inputsFile));
        var report = QuantizeReport.Of(path, target.Path, wanted) with
        {
            Device = device.ToString(),
            CacheKey = key,
            FromCache = !isNew,
            Seconds = Math.Round(host.Time.GetElapsedTime(started).TotalSeconds, 3),
        };
        if (report.QuantizedBytes > report.FloatBytes)
        {
            reporter.Warn(ToolErrors.LargerThanSource(path, report.FloatBytes, report.QuantizedBytes));
        }

        if (reporter.HasPrefixes)
        {
            reporter.Note(report.Summary);
        }

        reporter.Result(report, ToolJson.Default.QuantizeReport, report.Show);
        return ExitCodes.Fine;

        QuantizeJob Job(Recipe tried) =>
            new(host, reporter, path, tried)
            {
                ProgressFile = result.GetValue(progressFile),
                MemoryBudget = budget << 20,
                Inputs = inputs,
            };
    }
}
