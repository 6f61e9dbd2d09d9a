using System.CommandLine;
using System.Globalization;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Datasets;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Tool.Caching;
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

    private readonly Option<int?> steps = new("--steps")
    {
        Description = "Sampling steps (default 50, few of distilled models)",
        HelpName = "N",
    };

    private readonly Option<string[]> prompt = new("--prompt", "-p")
    {
        Description = "What the images should show; given several times, image k is of the k-th, and over again",
        HelpName = "TEXT",
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<string?> negative = new("--negative")
    {
        Description = "What the images should not show",
        HelpName = "TEXT",
    };

    private readonly Option<double?> guidance = new("--guidance", "--guidance-scale")
    {
        Description = "Scale of guidance, 1 for none (default with a prompt: the model's family's)",
        HelpName = "NUMBER",
    };

    private readonly Option<double> rescale = new("--guidance-rescale")
    {
        Description = "Share by which guided predictions are brought back to their deviation, 0 to 1",
        HelpName = "NUMBER",
        DefaultValueFactory = _ => 0,
    };

    private readonly Option<string?> image = new("--image")
    {
        Description = "A picture to start from (PNG, JPEG, BMP or WebP), of the size that the model makes",
        HelpName = "FILE",
    };

    private readonly Option<string?> mask = new("--mask")
    {
        Description = "A picture that is white where the image is made anew",
        HelpName = "FILE",
    };

    private readonly Option<double> strength = new("--strength")
    {
        Description = "How much of the image is changed, above 0 and at most 1",
        HelpName = "NUMBER",
        DefaultValueFactory = _ => GenerationOptions.Default.Strength,
    };

    private readonly Option<string?> conditioning = new("--conditioning")
    {
        Description = "A .npz or .npy file, or a folder of .npy files, with values for the other inputs",
        HelpName = "PATH",
    };
    private readonly Option<string?> size = new("--size")
    {
        Description =
            "Width and height of the pictures in pixels, where the graph leaves them open (default: the model's own)",
        HelpName = "WxH",
    };

    private readonly Option<int?> tile = new("--tile")
    {
        Description =
            "Decode larger pictures in tiles of so many cells of latents a side (64 is usual), for less memory",
        HelpName = "N",
    };

    private readonly Option<bool> decoderFloat32 = new("--decoder-float32")
    {
        Description = "Compute the VAE decoder in float32 whatever its file says",
    };

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
        Description = $"The sampler (default the model's own, ddim for ddpm): {string.Join(", ", RecipeWords.Solvers)}",
        HelpName = "NAME",
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
            self.prompt,
            self.negative,
            self.guidance,
            self.rescale,
            self.image,
            self.mask,
            self.strength,
            self.conditioning,
            self.count,
            self.steps,
            self.seed,
            self.sampler,
            self.eta,
            self.size,
            self.tile,
            self.decoderFloat32,
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

        Folders.CheckWritable(Path.GetDirectoryName(picture)!);
        if (result.GetResult(strength) is { Implicit: false } && result.GetValue(image) is null)
        {
            throw ToolErrors.BadCommandLine(
                $"{strength.Name} says how much of a picture is changed, so it needs {image.Name}",
                result.CommandResult.Command
            );
        }

        var asked = result.GetValue(prompt) ?? [];
        if (asked.Length == 0 && result.GetValue(negative) is not null)
        {
            throw ToolErrors.BadCommandLine(
                $"{negative.Name} says what a prompt's images should not show; give {prompt.Name} too",
                result.CommandResult.Command
            );
        }

        var images =
            result.GetResult(count) is null or { Implicit: true } && asked.Length > 0
                ? asked.Length
                : Within(result, count, 1, 10_000);
        if (asked.Length > images)
        {
            throw ToolErrors.BadCommandLine(
                $"there are {asked.Length} prompts for {images} images; ask for as many, or leave {count.Name} out",
                result.CommandResult.Command
            );
        }

        var kind = result.GetValue(sampler) is { } word ? RecipeWords.Solver(sampler.Name, word) : null;
        var settings = new GenerationOptions
        {
            BatchSize = Within(result, batch, 1, 4096),
            Sampler = new()
            {
                Kind = kind,
                Steps = result.GetValue(steps) is { } s ? Within(steps.Name, s, 1, 10_000) : null,
                Eta = result.GetValue(eta),
            },
            Size = SizeOf(result),
            GuidanceScale = result.GetValue(guidance),
            GuidanceRescale = result.GetValue(rescale),
            NegativePrompt = result.GetValue(negative),
            Image = Picture(result.GetValue(image)),
            Mask = Picture(result.GetValue(mask)),
            Strength = result.GetValue(strength),
            Conditioning = result.GetValue(conditioning) is { } arrays
                ? ConditioningSet.Load(arrays)
                : ConditioningSet.Empty,
        };
        var noise = result.GetValue(seed);
        if (noise < 0)
        {
            throw ToolErrors.BadNumber(seed.Name, noise, 0, long.MaxValue);
        }

        var where = host.FindDevice(result.GetValue(device)!);
        IdleGpu.Note(host, reporter, result.GetValue(device)!, where);
        var loading = new PipelineOptions
        {
            Session = new() { Device = where, Threads = Within(result, threads, 0, 1024) },
            DecoderTileSize = result.GetValue(tile),
            DecoderInFloat32 = result.GetValue(decoderFloat32),
        };
        var (made, solver, taken, time) = await Task.Run(
            () => Generate(path, loading, asked, images, (ulong)noise, settings, host, reporter, cancellation),
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
            taken,
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

    private static (IReadOnlyList<GeneratedImage> Images, SolverKind Solver, int Steps, TimeSpan Time) Generate(
        string path,
        PipelineOptions loading,
        string[] prompts,
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
        using var pipeline = DiffusionPipeline.Load(path, loading);
        var started = host.Time.GetTimestamp();
        pipeline.Warn = reporter.Warn;
        var steps = new StepProgress(progress, settings.BatchSize);
        var made =
            prompts.Length == 0
                ? pipeline.Generate(images, noise, options: settings, progress: steps, cancellation: cancellation)
                : pipeline.Generate(
                    prompts,
                    images,
                    noise,
                    options: settings,
                    progress: steps,
                    cancellation: cancellation
                );
        var sampler = settings.Sampler;
        var solver = sampler.KindFor(pipeline.Schedule.Config);
        return (
            made,
            solver,
            sampler.Steps ?? sampler.CreateSolver(pipeline.Schedule).Timesteps.Count,
            host.Time.GetElapsedTime(started)
        );
    }

    private static Option<int> Number(string name, string description, int fallback) =>
        new(name)
        {
            Description = description,
            HelpName = "N",
            DefaultValueFactory = _ => fallback,
        };

    private (int Height, int Width)? SizeOf(ParseResult result)
    {
        if (result.GetValue(size) is not { } text)
        {
            return null;
        }

        int[] sides =
        [
            .. text.Split('x', 'X', '×')
                .Select(side => int.TryParse(side, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : 0),
        ];
        return sides is [> 0 and var width, > 0 and var height]
            ? (height, width)
            : throw ToolErrors.BadCommandLine(
                $"{size.Name} is '{text}'; width and height in pixels are expected, 512x768 for instance",
                result.CommandResult.Command
            );
    }

    private static Picture? Picture(string? path) => path is null ? null : ImageFile.Load(path).ToPicture();

    private static int Within(ParseResult result, Option<int> option, int least, int most) =>
        Within(option.Name, result.GetValue(option), least, most);

    private static int Within(string option, int value, int least, int most) =>
        value >= least && value <= most ? value : throw ToolErrors.BadNumber(option, value, least, most);
}
