using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Quantization.Recipes;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Benchmarks;

/// <summary>
/// Methods side by side: quality, time and memory of each at each width, under one policy and effort. Each row is measured
/// in a process of its own, so that its peak memory is its own, and kept; a run that was killed goes on behind the last one.
/// </summary>
internal static class MethodsBenchmark
{
    public static int Run(string[] options)
    {
        if (TextSettings.HasJudge(options))
        {
            return TextBenchmark.Run(options);
        }

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
        var output = Option("--output", RepositoryFolder.PathOf("benchmarks", "results", table));
        var work = Directory.CreateDirectory(
            Option("--work", Path.Combine(Path.GetTempPath(), "diffusionquant-methods"))
        );
        var session = BenchmarkOptions.Session(options, threads: "0");
        var head =
            $"{RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores, ONNX Runtime {OrtEnv.Instance().GetVersionString()}; {images} images, {steps} steps of {SamplerName(sampler, eta)}, seed {EvaluationRequest.UsualSeed}, policy {policy}{(session.Device == Device.Cpu ? "" : $", on {session.Device}")}";
        var results = new ResultFile(output, head, ResultFile.CommandOf("methods", options), Table);
        foreach (var method in Option("--methods", "minmax,mse,gptq,q-diffusion,pqd,tcaq-dm").Split(','))
        {
            foreach (var bits in Option("--bits", "W8A8,W4A8,W6A6,W4A4").Split(','))
            {
                if (
                    Find(
                        results.Rows,
                        method,
                        bits,
                        ResultFile.EffortName(effort, iterations),
                        policy,
                        data is not null,
                        images
                    )
                    is not null
                )
                {
                    continue;
                }

                Measure(
                    results,
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
            }
        }

        results.Save();
        Console.WriteLine(File.ReadAllText(results.MarkdownPath));
        return 0;
    }

    private static void Measure(
        ResultFile results,
        string model,
        string method,
        Recipe recipe,
        SessionSettings session,
        int? batch,
        int images,
        string work
    )
    {
        var folder = Path.Combine(work, $"{recipe.Bits}-{method.Replace(':', '-')}-{recipe.Effort}");
        var (seconds, _, memory) = ApartQuantization.Run(model, folder, recipe, method, work);
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
        if (Find(results.Rows, "float", "W32A32", null, null, null, images) is null)
        {
            results.Add(Row("float", "W32A32", recipe, images, report.FindFloat, null, null));
        }

        results.Add(Row(method, $"{recipe.Bits}", recipe, images, report.Find, seconds, memory));
    }

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
            ["effort"] = ResultFile.EffortName(recipe.Effort, recipe.Iterations),
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

    /// <summary>Names a way of sampling in names of files.</summary>
    private static string Sampling(SolverKind kind, double eta, int steps) =>
        $"{kind}-{eta.ToString(CultureInfo.InvariantCulture)}-{steps}";

    private static string SamplerName(SolverKind kind, double eta) =>
        kind.Name.ToUpperInvariant() + (eta == 0 ? "" : $" with η = {eta.ToString(CultureInfo.InvariantCulture)}");

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

    private static string Table(ResultFile results)
    {
        var text = new StringBuilder(results.Head("Methods side by side"));
        text.Append(
            "| method | bits | effort | FID[fashion-resnet20] | ± | FID to float | KID | PSNR, dB | noise SQNR, dB | quantized in, s | peak memory, MB |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
        );
        foreach (var row in results.Rows)
        {
            string Number(string key, string format) => ResultFile.Cell(row!, key, format);
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {row!["method"]}{(row["onImages"] is null ? "" : ", on images")} | {row["bits"]} | {(row["quantizeSeconds"] is null ? "" : row["effort"])} | {Number("fid", "F3")} | {Number("fidStandardError", "F3")} | {Number("fidToFloat", "F3")} | {Number("kid", "F5")} | {Number("psnr", "F2")} | {Number("sqnrDb", "F2")} | {Number("quantizeSeconds", "F0")} | {Number("peakMemoryMb", "F0")} |\n"
            );
        }

        return text.ToString();
    }
}
