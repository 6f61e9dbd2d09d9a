using System.CommandLine;
using System.Globalization;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Search;
using DiffusionQuant.Tool.Caching;
using DiffusionQuant.Tool.CommandLine;
using DiffusionQuant.Tool.Output;

namespace DiffusionQuant.Tool.Commands;

/// <summary><c>diffquant search</c>: measures how much each layer may lose, and writes a recipe that spends a budget of bits.</summary>
internal sealed class SearchCommand
{
    private readonly Argument<string> model = new("MODEL")
    {
        Description = "An .onnx file, or a folder in diffusers' layout",
    };

    private readonly Option<double> budget = new("--budget-bits")
    {
        Description = "Bits per weight that the mean over all quantized layers may have, 2 to 8: 3.0",
        HelpName = "NUMBER",
        Required = true,
    };

    private readonly Option<int> activations = new("--activations")
    {
        Description = "Bits of activations, for all layers: 2 to 8, or 16 or 32 for weights only",
        HelpName = "N",
        DefaultValueFactory = _ => 8,
    };

    private readonly Option<string> output = new("--output", "-o")
    {
        Description = "The recipe file to write; one that a search wrote is replaced",
        HelpName = "FILE",
        Required = true,
    };

    private readonly Option<int> pairs = new("--pairs")
    {
        Description = "On how many pairs (x_t, t) each layer is measured at each width",
        HelpName = "N",
        DefaultValueFactory = _ => SensitivityRequest.UsualPairs,
    };

    private readonly Option<string> widths = new("--widths")
    {
        Description = "The widths to measure and to choose from",
        HelpName = "N,N,...",
        DefaultValueFactory = _ => string.Join(',', SensitivityRequest.UsualWidths),
    };

    private readonly RecipeOptions recipe = new(hasBits: false);
    private readonly CacheOptions caching = new("Measure even what the cache holds");

    private readonly Option<string?> progressFile = SharedOptions.CreateProgressFile();

    public static Command Create(ToolHost host)
    {
        var self = new SearchCommand();
        var command = new Command(
            "search",
            "Measures how sensitive each layer is, and writes a recipe whose layers share a budget of bits."
        );
        command.Arguments.Add(self.model);
        Option[] options = [self.budget, self.activations, self.output, self.pairs, self.widths];
        foreach (var option in options)
        {
            command.Options.Add(option);
        }

        self.recipe.AddTo(command);
        self.caching.AddTo(command);
        command.Options.Add(self.progressFile);
        command.SetAction((result, cancellation) => self.RunAsync(result, host, cancellation));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, ToolHost host, CancellationToken cancellation)
    {
        using var reporter = SharedOptions.CreateReporter(result, host);
        var started = host.Time.GetTimestamp();
        var path = result.GetValue(model)!;
        var bits = Within(budget.Name, result.GetValue(budget), 2, 8);
        var wanted = Wanted(result, bits);
        var request = new SensitivityRequest(
            path,
            wanted,
            (int)Within(pairs.Name, result.GetValue(pairs), 1, 4096),
            Widths(result)
        );
        var file = RecipeOutput.Open(result.GetValue(output)!);
        var device = host.FindDevice(wanted.Device);
        IdleGpu.Note(host, reporter, wanted.Device, device);
        using var job = new SensitivityJob(
            host,
            reporter,
            caching.Open(result, host, reporter),
            request,
            result.GetValue(progressFile)
        )
        {
            Rules = wanted.Rules,
        };
        var (table, isNew) = await job.FindOrMeasureAsync(device, caching.IsForced(result), cancellation);
        var candidates = Candidates(table, wanted, bits, cancellation);
        var analysis = job.Open(cancellation);
        // Errors add up in the search and not quite in the network: what counts is measured together.
        var measured = candidates.Select(c => (c.Width, c.Assignment, Error: Together(c.Assignment))).ToArray();
        var best = measured.MinBy(m => m.Error);
        var found = RecipeSearch.ToRecipe(wanted, best.Assignment, analysis.WeightsSha256);
        var report = SearchReport.Of(path, file.Path, bits, found, best.Assignment, table) with
        {
            OutputSqnr = SearchReport.Decibels(best.Error),
            UniformBits = measured.Length > 1 ? measured[1].Width : null,
            UniformOutputSqnr = measured.Length > 1 ? SearchReport.Decibels(measured[1].Error) : null,
            Device = device.ToString(),
            FromCache = !isNew,
            Seconds = Math.Round(host.Time.GetElapsedTime(started).TotalSeconds, 3),
        };
        file.Write(report.Document(found, file.Path));
        job.SayDone();
        if (reporter.HasPrefixes)
        {
            reporter.Note(report.Summary);
        }

        reporter.Result(report, ToolJson.Default.SearchReport, report.Show);
        return ExitCodes.Fine;

        double Together(BitAssignment assignment) => analysis.MeasureTogether(assignment.Widths);
    }

    /// <summary>The assignment that was searched, and behind it equal widths, where they are under the budget and differ.</summary>
    private static (int? Width, BitAssignment Assignment)[] Candidates(
        SensitivityTable table,
        Recipe wanted,
        double bits,
        CancellationToken cancellation
    )
    {
        var searched = RecipeSearch.Allocate(table, wanted, bits, cancellation);
        return RecipeSearch.Uniform(table, wanted, bits) is { } uniform
            ? [(null, searched), uniform]
            : [(null, searched)];
    }

    private Recipe Wanted(ParseResult result, double bits)
    {
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"W{(int)Math.Floor(bits)}A{result.GetValue(activations)}"
        );
        return Recipe.Of(recipe.Read(result, new() { Bits = BitWidths.Parse(text) })) with { WeightsSha256 = null };
    }

    private int[] Widths(ParseResult result)
    {
        var parts = result.GetValue(widths)!.Split(',', StringSplitOptions.TrimEntries);
        return Array.TrueForAll(parts, p => p is [>= '2' and <= '8'])
            ? [.. parts.Select(p => p[0] - '0')]
            : throw ToolErrors.BadCommandLine(
                $"{widths.Name} takes whole numbers from 2 to 8 with commas between them, {string.Join(',', SensitivityRequest.UsualWidths)} for instance",
                result.CommandResult.Command
            );
    }

    private static double Within(string option, double value, double least, double most) =>
        // Written so that NaN is refused.
        value >= least
        && value <= most
            ? value
            : throw ToolErrors.BadNumber(option, value, least, most);
}
