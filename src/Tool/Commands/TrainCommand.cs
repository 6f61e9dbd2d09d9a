using System.CommandLine;
using System.Numerics;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Datasets;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Training.Denoisers;
using DiffusionQuant.Tool.Caching;
using DiffusionQuant.Tool.CommandLine;
using DiffusionQuant.Tool.Output;
using DiffusionQuant.Tool.Progress;
using Spectre.Console;

namespace DiffusionQuant.Tool.Commands;

/// <summary><c>diffquant train</c>: trains a small diffusion model from images.</summary>
internal sealed class TrainCommand
{
    private readonly Option<string> images = new("--images")
    {
        Description =
            "What to train on: a .npy or .npz file of uint8 images, a CIFAR-10 .bin file or a folder of them, or a folder of images (PNG, JPEG, BMP, WebP, GIF, TIFF, TGA)",
        HelpName = "DATA",
        Required = true,
    };

    private readonly Option<string> output = new("--output", "-o")
    {
        Description =
            "The folder to make, in diffusers' layout; a network that train made and that is there is replaced",
        HelpName = "FOLDER",
        Required = true,
    };

    private readonly Option<string> config = new("--config")
    {
        Description =
            "The network: small (2.6 million parameters), cifar10 (35.7 million), or a JSON file with channels, multipliers, blocks and attentionResolutions",
        HelpName = "small|cifar10|FILE",
        DefaultValueFactory = _ => "small",
    };

    private readonly Option<string> prediction = Word<PredictionWord>(
        "--prediction",
        "What the network says: noise, or velocity"
    );

    private readonly Option<string> schedule = Word<ScheduleWord>(
        "--schedule",
        "The noise schedule, over 1000 timesteps"
    );

    private readonly Option<int> steps = Number("--steps", "Gradient steps", 20_000);
    private readonly Option<int> batch = Number("--batch", "Images that run at once", 64);

    private readonly Option<int> accumulation = Number(
        "--accumulation",
        "Over how many batches gradients are averaged before a step",
        1
    );

    private readonly Option<bool> recompute = new("--recompute")
    {
        Description = "Compute values again for the backward pass: less memory, more time",
    };

    private readonly Option<double> learningRate = Decimal(
        "--learning-rate",
        "AdamW's learning rate; it falls along half a cosine to a thousandth",
        1e-3
    );

    private readonly Option<int> warmUp = Number("--warm-up", "Steps over which the learning rate rises first", 200);
    private readonly Option<double> clip = Decimal("--clip", "The longest gradient that is not clipped; 0 for any", 1);

    private readonly Option<double> average = Decimal(
        "--average",
        "Decay of the moving average of weights that becomes the model; 0 for the last weights",
        0.999
    );

    private readonly Option<bool> noFlip = new("--no-flip") { Description = "Do not mirror half of the images" };
    private readonly Option<int> padding = Number("--pad", "Black pixels to put round each image, on each side", 0);

    private readonly Option<long> seed = new("--seed")
    {
        Description = "Seed of weights, images, timesteps and noise",
        HelpName = "N",
        DefaultValueFactory = _ => 0,
    };

    private readonly Option<int> memoryBudget = new("--memory-budget")
    {
        Description = "Memory in MB that the images may take",
        HelpName = "MB",
        DefaultValueFactory = _ => (int)(TrainingImages.UsualMemory >> 20),
    };

    private readonly DeviceOptions device = new();
    private readonly Option<string?> progressFile = SharedOptions.CreateProgressFile();

    private enum PredictionWord
    {
        Epsilon,
        V,
    }

    private enum ScheduleWord
    {
        Linear,
        Cosine,
    }

    public static Command Create(ToolHost host)
    {
        var self = new TrainCommand();
        var command = new Command("train", "Trains a small diffusion model from images.");
        Option[] options =
        [
            self.images,
            self.output,
            self.config,
            self.prediction,
            self.schedule,
            self.steps,
            self.batch,
            self.accumulation,
            self.recompute,
            self.learningRate,
            self.warmUp,
            self.clip,
            self.average,
            self.noFlip,
            self.padding,
            self.seed,
            self.memoryBudget,
        ];
        foreach (var option in options)
        {
            command.Options.Add(option);
        }

        self.device.AddTo(command);
        command.Options.Add(self.progressFile);
        command.SetAction((result, cancellation) => self.RunAsync(result, host, cancellation));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, ToolHost host, CancellationToken cancellation)
    {
        using var reporter = SharedOptions.CreateReporter(result, host);
        var training = Read(result);
        var target = OutputFolder.OfTrained(result.GetValue(output)!);
        var session = device.Read(result, host, reporter);
        var path = result.GetValue(images)!;
        var source = ImageSources.Open(path).Pad(Within(result, padding, 0, 1024));
        SkippedFiles.Warn(reporter, path);
        var memory = (long)Within(result, memoryBudget, 1, int.MaxValue) << 20;
        var (trained, workFolder) = await Task.Run(Train, cancellation);
        target.Fill(trained.Save);
        Folders.Delete(workFolder);
        var report = new TrainReport(
            path,
            target.Path,
            trained.Report.ImageCount,
            trained.Report.Parameters,
            trained.Report.Steps,
            trained.Report.Loss[^1].Loss,
            trained.Report.MillisecondsPerStep,
            trained.Report.Device,
            trained.Report.Seconds
        );
        reporter.Result(
            report,
            ToolJson.Default.TrainReport,
            console =>
                console.WriteLine(
                    $"{report.Output}: {report.Parameters / 1e6:0.0} million parameters, {report.Steps} steps, loss {report.Loss:0.0000}, {Humanize.Time(TimeSpan.FromSeconds(report.Seconds))} on {report.Device} ({report.MillisecondsPerStep:0} ms a step)"
                )
        );
        return ExitCodes.Fine;

        (TrainedDenoiser Trained, string WorkFolder) Train()
        {
            using var progress = ProgressHub.Create(host, reporter, result.GetValue(progressFile));
            progress.Report("Reading images", 0);
            var loaded = TrainingImages.Load(source, null, memory, cancellation);
            // Beside the output, where the run that goes on after a stop looks for it.
            var folder = $"{target.Path}.{DenoiserTrainer.KeyOf(training, loaded)}.training";
            var trainer = new DenoiserTrainer(training, loaded)
            {
                Session = session,
                WorkFolder = folder,
                Progress = progress,
            };
            try
            {
                return (trainer.Run(cancellation), folder);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw ToolErrors.CannotWrite(folder, e);
            }
        }
    }

    private DenoiserTraining Read(ParseResult result)
    {
        var name = result.GetValue(config)!;
        var decay = Within(result, average, 0, 0.999999);
        var length = Within(result, clip, 0, 1e6);
        return new(DenoiserConfig.Load(name), Within(result, steps, 1, 10_000_000))
        {
            NetworkName = name,
            Prediction =
                RecipeWords.Parse<PredictionWord>(prediction.Name, result.GetValue(prediction)!) == PredictionWord.V
                    ? PredictionType.Velocity
                    : PredictionType.Epsilon,
            Schedule =
                RecipeWords.Parse<ScheduleWord>(schedule.Name, result.GetValue(schedule)!) == ScheduleWord.Cosine
                    ? BetaSchedule.SquaredCosine
                    : BetaSchedule.Linear,
            Batch = Within(result, batch, 1, 65_536),
            Accumulation = Within(result, accumulation, 1, 65_536),
            Recompute = result.GetValue(recompute),
            LearningRate = (float)Within(result, learningRate, 1e-12, 1e30),
            WarmUp = Within(result, warmUp, 0, 10_000_000),
            Clip = length == 0 ? null : (float)length,
            Average = decay == 0 ? null : (float)decay,
            Flip = !result.GetValue(noFlip),
            Seed = (ulong)Within(result, seed, 0, long.MaxValue),
        };
    }

    private static Option<int> Number(string name, string description, int fallback) =>
        new(name)
        {
            Description = description,
            HelpName = "N",
            DefaultValueFactory = _ => fallback,
        };

    private static Option<double> Decimal(string name, string description, double fallback) =>
        new(name)
        {
            Description = description,
            HelpName = "NUMBER",
            DefaultValueFactory = _ => fallback,
        };

    private static Option<string> Word<T>(string name, string description)
        where T : struct, Enum =>
        new(name)
        {
            Description = description,
            HelpName = string.Join('|', RecipeWords.All<T>()),
            DefaultValueFactory = _ => RecipeWords.Of(default(T)),
        };

    private static T Within<T>(ParseResult result, Option<T> option, T least, T most)
        where T : struct, INumber<T>
    {
        var value = result.GetValue(option);
        // Written so that NaN is refused.
        return value >= least && value <= most ? value : throw ToolErrors.BadNumber(option.Name, value, least, most);
    }
}
