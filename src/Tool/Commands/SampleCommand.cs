using System.CommandLine;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Tool.CommandLine;
using DiffusionQuant.Tool.Output;
using DiffusionQuant.Tool.Progress;
using Spectre.Console;

namespace DiffusionQuant.Tool.Commands;

/// <summary><c>diffquant sample</c>: makes pictures with a model, quantized or not.</summary>
internal sealed class SampleCommand
{
    private readonly Argument<string> model = new("MODEL")
    {
        Description = "An .onnx file, a folder in diffusers' layout, or a quantized model's folder",
    };

    private readonly Option<string> output = new("--output", "-o")
    {
        Description = "The picture to write (.png): all images in a grid",
        HelpName = "FILE",
        Required = true,
    };

    private readonly Option<int> count = Number("--count", "How many images", 16);
    private readonly Option<int> steps = Number("--steps", "Sampling steps", 50);
    private readonly Option<int> batch = Number("--batch", "How many images run at once", 16);
    private readonly Option<int> threads = Number("--threads", "Threads of a computation; 0 is one per core", 0);

    private readonly Option<long> seed = new("--seed")
    {
        Description = "Seed of the noise; an image depends on the seed and its place alone",
        HelpName = "N",
        DefaultValueFactory = _ => 0,
    };

    private readonly Option<string?> sampler = new("--sampler")
    {
        Description = "The sampler (default the model's own, ddim for ddpm)",
        HelpName = string.Join('|', RecipeWords.Solvers),
    };

    private readonly Option<double?> eta = new("--eta")
    {
        Description = "Eta of ddim, gamma of tcd, 0 (no noise) to 1 (default 0 and 0.3)",
        HelpName = "NUMBER",
    };

    private readonly Option<string> device = new("--device")
    {
        Description = "Where to compute; auto is the GPU if it can be used",
        HelpName = "auto|cpu|cuda|cuda:N",
        DefaultValueFactory = _ => "auto",
    };

    public static Command Create(ToolHost host)
    {
        var self = new SampleCommand();
        self.count.Aliases.Add("-n");
        var command = new Command("sample", "Makes pictures with a diffusion model, quantized or not.");
        command.Arguments.Add(self.model);
        Option[] options =
        [
            self.output,
            self.count,
            self.steps,
            self.seed,
            self.sampler,
            self.eta,
            self.batch,
            self.device,
            self.threads,
        ];
        foreach (var option in options)
        {
            command.Options.Add(option);
        }

        command.SetAction((result, cancellation) => self.RunAsync(result, host, cancellation));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, ToolHost host, CancellationToken cancellation)
    {
        using var reporter = SharedOptions.CreateReporter(result, host);
        var path = result.GetValue(model)!;
        var picture = Path.GetFullPath(result.GetValue(output)!);
        if (!picture.EndsWith(".png", StringComparison.OrdinalIgnoreCase))
        {
            throw ToolErrors.NotPng(picture);
        }

        var images = Within(result, count, 1, 10_000);
        var kind = result.GetValue(sampler) is { } word ? RecipeWords.Solver(sampler.Name, word) : null;
        var settings = new GenerationOptions
        {
            BatchSize = Within(result, batch, 1, 4096),
            Sampler = new()
            {
                Kind = kind,
                Steps = Within(result, steps, 1, 10_000),
                Eta = result.GetValue(eta),
            },
        };
        var noise = result.GetValue(seed);
        if (noise < 0)
        {
            throw ToolErrors.BadNumber(seed.Name, noise, 0, long.MaxValue);
        }

        var where = host.FindDevice(result.GetValue(device)!);
        IdleGpu.Note(host, reporter, result.GetValue(device)!, where);
        var session = new Engine.SessionSettings { Device = where, Threads = Within(result, threads, 0, 1024) };
        var (made, solver, time) = await Task.Run(
            () => Generate(path, session, images, (ulong)noise, settings, host, reporter, cancellation),
            cancellation
        );
        ImageGrid.SavePng(made, (int)Math.Ceiling(Math.Sqrt(images)), picture);
        var seconds = time.TotalSeconds;
        var report = new SampleReport(
            path,
            picture,
            images,
            noise,
            solver.Name,
            settings.Sampler.Steps!.Value,
            where.ToString(),
            made[0].Channels,
            made[0].Height,
            made[0].Width,
            Math.Round(seconds, 3),
            Math.Round(images / seconds, 3)
        );
        reporter.Result(
            report,
            ToolJson.Default.SampleReport,
            console =>
                console.WriteLine(
                    $"{picture}: {images} image{(images == 1 ? "" : "s")} of {made[0].Shape}, {report.Steps} steps of {report.Sampler}, "
                        + $"{Humanize.Time(time)} on {where} ({report.ImagesPerSecond:0.##} images a second)"
                )
        );
        return ExitCodes.Fine;
    }

    private static (IReadOnlyList<GeneratedImage> Images, SolverKind Solver, TimeSpan Time) Generate(
        string path,
        Engine.SessionSettings session,
        int images,
        ulong noise,
        GenerationOptions settings,
        ToolHost host,
        Reporter reporter,
        CancellationToken cancellation
    )
    {
        using var progress = ProgressHub.Create(host, reporter, progressFile: null);
        progress.Report("Loading", 0);
        using var pipeline = DiffusionPipeline.Load(path, new() { Session = session });
        var started = host.Time.GetTimestamp();
        var made = pipeline.Generate(
            images,
            noise,
            options: settings,
            progress: new StepProgress(progress, settings.BatchSize),
            cancellation: cancellation
        );
        return (made, settings.Sampler.KindFor(pipeline.Schedule.Config), host.Time.GetElapsedTime(started));
    }

    private static Option<int> Number(string name, string description, int fallback) =>
        new(name)
        {
            Description = description,
            HelpName = "N",
            DefaultValueFactory = _ => fallback,
        };

    private static int Within(ParseResult result, Option<int> option, int least, int most)
    {
        var value = result.GetValue(option);
        return value >= least && value <= most ? value : throw ToolErrors.BadNumber(option.Name, value, least, most);
    }
}
