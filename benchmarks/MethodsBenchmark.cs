using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Quantization;
using DiffusionQuant.Quantization.Recipes;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Benchmarks;

/// <summary>
/// Methods side by side: quality, time and memory of each at each width, under one policy and effort. Each row is measured
/// in a process of its own, so that its peak memory is its own, and kept; a run that was killed goes on behind the last one.
/// </summary>
internal static class MethodsBenchmark
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static int Run(string[] options)
    {
        string Option(string name, string fallback) => BenchmarkOptions.Option(options, name, fallback);
        var model = Option("--model", QualityBenchmark.SampleModel());
        var images = int.Parse(Option("--images", "2000"), CultureInfo.InvariantCulture);
        var steps = int.Parse(Option("--steps", "25"), CultureInfo.InvariantCulture);
        var effort = RecipeWords.Parse<Effort>("--effort", Option("--effort", "standard"));
        int? Number(string name) =>
            Option(name, "") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
        var iterations = Number("--iterations");
        var batch = Number("--batch");
        var policy = Option("--policy", "strict");
        var sampler = RecipeWords.Solver("--sampler", Option("--sampler", "ddim"));
        var eta = double.Parse(Option("--eta", "0"), CultureInfo.InvariantCulture);
        var data = BenchmarkOptions.Option(options, "--training-data", "") is { Length: > 0 } path ? path : null;
        var sampling = Sampling(sampler, eta, steps);
        // A row says neither how it was sampled nor under which policy; each has a table of its own.
        var table =
            "methods" + (sampling == "ddim-0-25" ? "" : $"-{sampling}") + (policy == "strict" ? "" : $"-{policy}");
        var output = Option("--output", Path.Combine(Repository(), "benchmarks", "results", table));
        var work = Directory.CreateDirectory(
            Option("--work", Path.Combine(Path.GetTempPath(), "diffusionquant-methods"))
        );
        var session = BenchmarkOptions.Session(options, threads: "0");
        var file = $"{output}.json";
        var rows = Load(file);
        var head =
            $"{RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores, ONNX Runtime {OrtEnv.Instance().GetVersionString()}; {images} images, {steps} steps of {SamplerName(sampler, eta)}, seed {EvaluationRequest.UsualSeed}, policy {policy}{(session.Device == Device.Cpu ? "" : $", on {session.Device}")}";
        var commands = Texts(file, "commands").Append(CommandOf(options)).Distinct().ToArray();
        foreach (var method in Option("--methods", "minmax,mse,gptq,q-diffusion,pqd,tcaq-dm").Split(','))
        {
            foreach (var bits in Option("--bits", "W8A8,W4A8,W6A6,W4A4").Split(','))
            {
                if (
                    Find(rows, method, bits, EffortName(effort, iterations), policy, data is not null, images)
                    is not null
                )
                {
                    continue;
                }

                Measure(
                    rows,
                    model,
                    method,
                    new(BitWidths.Parse(bits))
                    {
                        Method = MethodVariants.MethodOf(method),
                        Steps = steps,
                        Sampler = sampler,
                        Eta = sampler.TakesEta ? eta : null,
                        Effort = effort,
                        Iterations = iterations,
                        Policy = Policy.Parse(policy),
                        TrainingData = data,
                        Device = session.Device.ToString(),
                        Threads = session.Threads,
                    },
                    session,
                    batch,
                    images,
                    work.FullName
                );
                Save(file, $"{output}.md", rows, head, commands);
            }
        }

        // Where nothing was measured, the command made no row.
        Save(file, $"{output}.md", rows, head, [.. Texts(file, "commands")]);
        Console.WriteLine(File.ReadAllText($"{output}.md"));
        return 0;
    }

    /// <summary>Quantizes in this process; the parent reads time and memory from what it prints.</summary>
    public static int Quantize(string model, string folder, string recipe, string method)
    {
        var started = Stopwatch.GetTimestamp();
        Quantizer.Run(new(model, folder, Recipe.Load(recipe)), MethodVariants.Passes(method), null, out _);
        using var process = Process.GetCurrentProcess();
        process.Refresh();
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Stopwatch.GetElapsedTime(started).TotalSeconds:F1} {process.PeakWorkingSet64 >> 20}"
            )
        );
        return 0;
    }

    private static void Measure(
        JsonArray rows,
        string model,
        string method,
        Recipe recipe,
        SessionSettings session,
        int? batch,
        int images,
        string work
    )
    {
        var folder = Directory
            .CreateDirectory(Path.Combine(work, $"{recipe.Bits}-{method.Replace(':', '-')}-{recipe.Effort}"))
            .FullName;
        foreach (var old in Directory.GetFiles(folder))
        {
            File.Delete(old);
        }

        var (seconds, memory) = QuantizeApart(model, folder, recipe, method, work);
        using var setup = EvaluationSetup.Of(
            new(folder)
            {
                FloatPath = model,
                DistributionImages = images,
                PairedImages = Math.Min(images, 256),
                Session = session,
                BatchSize = batch,
            }
        );
        var sampling = Sampling(recipe.Sampler!, recipe.Eta ?? 0, recipe.Steps);
        // What is computed elsewhere or beside other images is rounded otherwise.
        var place = session.Device == Device.Cpu ? "" : $"-{session.Device.Kind}";
        var baseline = Path.Combine(work, $"float-{images}-{sampling}{place}{(batch is null ? "" : $"-{batch}")}");
        var temporary = Path.Combine(work, "evaluation");
        if (!Directory.Exists(baseline))
        {
            var making = Directory.CreateDirectory($"{baseline}.new").FullName;
            Evaluator.MakeBaseline(setup, making, temporary);
            Directory.Move(making, baseline);
        }

        var part = Evaluator.Measure(setup, baseline, temporary);
        var report = Evaluator.Assemble([(folder, part)], setup.Reference, folder);
        if (Find(rows, "float", "W32A32", null, null, null, images) is null)
        {
            rows.Add(Row("float", "W32A32", recipe, images, report.FindFloat, null, null));
        }

        rows.Add(Row(method, $"{recipe.Bits}", recipe, images, report.Find, seconds, memory));
    }

    private static (double Seconds, long Memory) QuantizeApart(
        string model,
        string folder,
        Recipe recipe,
        string method,
        string work
    )
    {
        var file = Path.Combine(work, "recipe.json");
        // The canonical form names files by their content and devices by their kind.
        var json = JsonNode.Parse(recipe.CanonicalJson)!;
        if (recipe.TrainingData is { } data)
        {
            json["trainingData"] = Path.GetFullPath(data);
        }

        json["device"] = recipe.Device;
        File.WriteAllText(file, json.ToJsonString());
        using var process = Process.Start(
            new ProcessStartInfo(
                Environment.ProcessPath!,
                [.. Arguments(), "quantize-apart", model, folder, file, method]
            )
            {
                RedirectStandardOutput = true,
            }
        )!;
        var words = process.StandardOutput.ReadToEnd().Trim().Split('\n')[^1].Split(' ');
        process.WaitForExit();
        return process.ExitCode == 0
            ? (double.Parse(words[0], CultureInfo.InvariantCulture), long.Parse(words[1], CultureInfo.InvariantCulture))
            : throw new InvalidOperationException($"Quantizing {recipe.Bits} by {method} failed.");
    }

    /// <summary>The program itself where `dotnet` started it, nothing where it is an executable of its own.</summary>
    private static string[] Arguments() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet"
            ? [Environment.GetCommandLineArgs()[0]]
            : [];

    private static JsonObject Row(
        string method,
        string bits,
        Recipe recipe,
        int images,
        Func<string, Metric?> find,
        double? seconds,
        long? memory
    )
    {
        double? Of(string name) => find(name)?.Value is { } value && double.IsFinite(value) ? value : null;
        return new JsonObject
        {
            ["method"] = method,
            ["bits"] = bits,
            ["policy"] = $"{recipe.Policy}",
            ["effort"] = EffortName(recipe.Effort, recipe.Iterations),
            ["onImages"] = recipe.TrainingData is null || seconds is null ? null : true,
            ["images"] = images,
            ["fid"] = Of(MetricCatalog.Fid),
            ["fidStandardError"] = find(MetricCatalog.Fid)?.StandardError,
            ["fidToFloat"] = Of(MetricCatalog.FidToFloat),
            ["kid"] = Of(MetricCatalog.Kid),
            ["psnr"] = Of(MetricCatalog.Psnr),
            ["ssim"] = Of(MetricCatalog.Ssim),
            ["sqnrDb"] = Of(MetricCatalog.NoiseSqnr),
            ["quantizeSeconds"] = seconds,
            ["peakMemoryMb"] = (double?)memory,
        };
    }

    /// <summary>An effort, and the number of steps where it is another than the effort's own.</summary>
    private static string EffortName(Effort effort, int? iterations) =>
        RecipeWords.Of(effort) + (iterations is null ? "" : $", {iterations} steps");

    /// <summary>Names a way of sampling in names of files.</summary>
    private static string Sampling(SolverKind kind, double eta, int steps) =>
        $"{kind}-{eta.ToString(CultureInfo.InvariantCulture)}-{steps}";

    private static string SamplerName(SolverKind kind, double eta) =>
        kind.Name.ToUpperInvariant() + (eta == 0 ? "" : $" with η = {eta.ToString(CultureInfo.InvariantCulture)}");

    /// <summary>The command, without the places of one machine.</summary>
    private static string CommandOf(string[] options)
    {
        var told = options
            .Chunk(2)
            .Where(o => o[0] != "--work" && (o[0] != "--output" || !Path.IsPathRooted(o[1])))
            .SelectMany(o => o);
        return $"dotnet run -c Release --project benchmarks -- methods {string.Join(' ', told)}";
    }

    /// <summary>A list of texts of a file that is there: the commands that made its rows, or its notes.</summary>
    private static IEnumerable<string> Texts(string file, string key) =>
        File.Exists(file) && JsonNode.Parse(File.ReadAllText(file))![key] is JsonArray texts
            ? texts.Select(t => (string)t!)
            : [];

    private static JsonArray Load(string file) =>
        File.Exists(file) ? JsonNode.Parse(File.ReadAllText(file))!["rows"]!.DeepClone().AsArray() : [];

    private static JsonNode? Find(
        JsonArray rows,
        string method,
        string bits,
        string? effort,
        string? policy,
        bool? onImages,
        int images
    ) =>
        rows.FirstOrDefault(r =>
            (string?)r!["method"] == method
            && (string?)r["bits"] == bits
            && (effort is null || (string?)r["effort"] == effort)
            && (policy is null || (string?)r["policy"] == $"{Policy.Parse(policy)}")
            && (onImages is null || (r["onImages"] is not null) == onImages)
            && (int?)r["images"] == images
        );

    private static void Save(string file, string table, JsonArray rows, string head, string[] commands)
    {
        // What people wrote there of how the rows were measured.
        string[] notes = [.. Texts(file, "notes")];
        var root = new JsonObject
        {
            ["notes"] = new JsonArray([.. notes.Select(n => (JsonNode)n)]),
            ["commands"] = new JsonArray([.. commands.Select(c => (JsonNode)c)]),
            ["machine"] = head,
            ["rows"] = rows.DeepClone(),
        };
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        File.WriteAllText($"{file}.new", root.ToJsonString(Indented) + "\n");
        File.Move($"{file}.new", file, overwrite: true);
        var text = new StringBuilder(
            $"# Methods side by side\n\n{string.Concat(commands.Select(c => $"    {c}\n"))}\n{head}\n\n{string.Concat(notes.Select(n => $"{n}\n\n"))}"
        );
        text.Append(
            "| method | bits | effort | FID[fashion-resnet20] | ± | FID to float | KID | PSNR, dB | noise SQNR, dB | quantized in, s | peak memory, MB |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
        );
        foreach (var row in rows)
        {
            string Number(string key, string format) =>
                ((double?)row![key])?.ToString(format, CultureInfo.InvariantCulture) ?? "";
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {row!["method"]}{(row["onImages"] is null ? "" : ", on images")} | {row["bits"]} | {(row["quantizeSeconds"] is null ? "" : row["effort"])} | {Number("fid", "F3")} | {Number("fidStandardError", "F3")} | {Number("fidToFloat", "F3")} | {Number("kid", "F5")} | {Number("psnr", "F2")} | {Number("sqnrDb", "F2")} | {Number("quantizeSeconds", "F0")} | {Number("peakMemoryMb", "F0")} |\n"
            );
        }

        File.WriteAllText(table, text.ToString());
    }

    private static string Repository()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "DiffusionQuant.Build.sln")))
            {
                return folder;
            }
        }

        return Environment.CurrentDirectory;
    }
}
