using System.Text;
using DiffusionQuant.Build.Files;
using DiffusionQuant.Build.Models;

namespace DiffusionQuant.Build.Tool;

/// <summary>
/// The command line of the tool, the same that users type:
/// <code>
/// diffquant quantize MODEL -o FOLDER --quantize W4A8 [--method M] [--policy P] [--sampler S] [--steps N]
///     [--effort E] [--iterations N] [--calibration-samples N] [--timestep-sampling L] [--timestep-mean X]
///     [--timestep-deviation X] [--guidance-scale X] [--sample-selection S] [--seed N] [--device D] [--threads N]
///     [--softmax-bits N] [--rule R]* [--input-role NAME=ROLE]* [--conditioning PATH] [--prompts FILE] [--part P]* [--recipe FILE]
///     [--fallback [--max-fid-increase N] [--min-psnr N] [--min-sqnr-db N] [--images N] [--paired-images N] [--extractor X] [--reference X]]
///     [--memory-budget MB] [--cache-directory DIR] [--force] --prefix-output --progress-file FILE --inputs-file FILE
/// diffquant verify FOLDER --float MODEL -o FOLDER [--snapshot FILE | --no-snapshot] [--require-snapshot]
///     [--max-fid-increase N] [--min-psnr N] [--min-sqnr-db N] [--max-size-ratio N] [--min-speedup N] [--images N] [--paired-images N]
///     [--extractor X] [--reference X] [--clip FOLDER] [--prompts FILE] [--conditioning PATH] [--recipe FILE] [--device D] [--threads N] [--cache-directory DIR] --prefix-output
///     --progress-file FILE --inputs-file FILE
/// </code>
/// Metadata that is not set is not passed, so that the tool's defaults hold.
/// </summary>
internal static class ToolArguments
{
    private static readonly (string Metadata, string Option)[] Machine =
    [
        ("Device", "--device"),
        ("Threads", "--threads"),
    ];

    private static readonly (string Metadata, string Option)[] Options =
    [
        ("Quantize", "--quantize"),
        ("Method", "--method"),
        ("Policy", "--policy"),
        ("Sampler", "--sampler"),
        ("Steps", "--steps"),
        ("Effort", "--effort"),
        ("Iterations", "--iterations"),
        ("CalibrationSamples", "--calibration-samples"),
        ("TimestepSampling", "--timestep-sampling"),
        ("TimestepMean", "--timestep-mean"),
        ("TimestepDeviation", "--timestep-deviation"),
        ("GuidanceScale", "--guidance-scale"),
        ("SampleSelection", "--sample-selection"),
        ("Seed", "--seed"),
        .. Machine,
        ("SoftmaxBits", "--softmax-bits"),
    ];

    // What does not decide the result.
    private static readonly (string Metadata, string Option)[] Running = [("MemoryBudget", "--memory-budget")];

    /// <summary>The arguments that decide the result.</summary>
    public static IEnumerable<string> Recipe(ModelItem model)
    {
        yield return model.Path;
        foreach (var argument in Given(model, Options))
        {
            yield return argument;
        }

        foreach (var rule in model.Rules)
        {
            yield return "--rule";
            yield return rule;
        }

        foreach (var role in model.InputRoles)
        {
            yield return "--input-role";
            yield return role;
        }

        foreach (var part in model.Parts)
        {
            yield return "--part";
            yield return part;
        }

        foreach (var argument in Conditioning(model))
        {
            yield return argument;
        }

        if (model.TrainingData is not null)
        {
            yield return "--training-data";
            yield return model.TrainingData;
        }

        if (model.Recipe is not null)
        {
            yield return "--recipe";
            yield return model.Recipe;
        }

        foreach (var argument in model.Fallback ? Fallback(model) : [])
        {
            yield return argument;
        }
    }

    /// <summary>What decides which layers get more bits: the item alone, so that no build on more images, or one that verifies
    /// nothing, makes another model.</summary>
    private static IEnumerable<string> Fallback(ModelItem model)
    {
        (string Option, string? Value)[] measurement =
        [
            ("--images", model.Metadata("EvaluationImages")),
            ("--paired-images", model.Metadata("PairedImages")),
            ("--extractor", model.PathOrName("Extractor")),
            ("--reference", model.PathOrName("Reference")),
        ];
        return ["--fallback", .. Given(model, ModelEvaluation.Quality), .. Given(measurement)];
    }

    public static IEnumerable<string> Quantize(ModelItem model, ModelPaths paths, string? cacheDirectory, bool force)
    {
        string[] forced = force ? ["--force"] : [];
        string[] running =
        [
            .. Given(model, Running),
            .. Cache(cacheDirectory),
            .. forced,
            .. Reporting(paths, paths.InputFiles),
        ];
        return ["quantize", .. Recipe(model), "-o", paths.Artifact, .. running];
    }

    /// <summary>The arguments that decide what is evaluated and what counts as good.</summary>
    public static IEnumerable<string> Checks(ModelItem model, ModelEvaluation evaluation)
    {
        (string Option, string? Value)[] options =
        [
            ("--float", model.Path),
            ("--snapshot", evaluation.Snapshot),
            .. evaluation.CheckedLimits,
            ("--images", evaluation.EvaluationImages),
            ("--paired-images", evaluation.PairedImages),
            ("--extractor", evaluation.Extractor),
            ("--reference", evaluation.Reference),
            ("--clip", model.Clip),
        ];
        string[] comparison =
            evaluation.Snapshot is null ? ["--no-snapshot"]
            : evaluation.RequiresSnapshot ? ["--require-snapshot"]
            : [];
        return
        [
            .. Given(options),
            .. comparison,
            .. Conditioning(model),
            // It may name prompts or conditioning.
            .. Given([("--recipe", model.Recipe)]),
            .. Given(model, Machine),
        ];
    }

    public static IEnumerable<string> Verify(
        ModelItem model,
        ModelEvaluation evaluation,
        ModelPaths paths,
        string? cacheDirectory
    )
    {
        string[] running = [.. Cache(cacheDirectory), .. Reporting(paths, paths.VerifyInputFiles)];
        return ["verify", paths.Artifact, .. Checks(model, evaluation), "-o", paths.Evaluation, .. running];
    }

    /// <summary>Joins arguments so that the started process gets them back one by one, on every system.</summary>
    public static string Join(IEnumerable<string> arguments) => string.Join(" ", arguments.Select(Quote));

    private static IEnumerable<string> Given((string Option, string? Value)[] options) =>
        options.Where(o => o.Value is not null).SelectMany(o => new[] { o.Option, o.Value! });

    private static IEnumerable<string> Given(ModelItem model, IEnumerable<(string Metadata, string Option)> options)
    {
        foreach (var (metadata, option) in options)
        {
            if (model.Metadata(metadata) is { } value)
            {
                yield return option;
                yield return value;
            }
        }
    }

    private static string[] Conditioning(ModelItem model) =>
        [.. Given([("--conditioning", model.Conditioning), ("--prompts", model.Prompts)])];

    private static string[] Cache(string? directory) => directory is null ? [] : ["--cache-directory", directory];

    private static string[] Reporting(ModelPaths paths, string inputFiles) =>
        ["--prefix-output", "--progress-file", paths.Progress, "--inputs-file", inputFiles];

    private static string Quote(string argument)
    {
        if (argument.Length > 0 && argument.IndexOfAny([' ', '\t', '\n', '"']) < 0)
        {
            return argument;
        }

        var quoted = new StringBuilder("\"");
        var backslashes = 0;
        foreach (var c in argument)
        {
            // Backslashes count only in front of a quotation mark, where each needs another one.
            quoted.Append('\\', c == '"' ? backslashes + 1 : 0).Append(c);
            backslashes = c == '\\' ? backslashes + 1 : 0;
        }

        return quoted.Append('\\', backslashes).Append('"').ToString();
    }
}
