using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Benchmarks;

/// <summary>
/// Methods side by side on a text-to-image model: whether its pictures still show what prompts say, and all that is measured
/// of any model. Each row is kept as long as the model is the same, and a run that was killed goes on.
/// </summary>
internal static class TextBenchmark
{
    public static int Run(string[] options)
    {
        var settings = TextSettings.Of(options);
        using var workers = Workers.Use(settings.Session.Threads);
        var results = new ResultFile(
            settings.Output,
            Head(settings),
            ResultFile.CommandOf("methods", options),
            TextTable.Write
        );
        using var run = new TextRun(settings);
        results.Keep(row => (string?)row["model"] == run.ModelHash);
        if (Find(results, settings, "float", "W32A32", null) is null)
        {
            results.Add(run.Float());
        }

        foreach (var bits in settings.Bits)
        {
            foreach (var method in settings.Methods)
            {
                var effort = ResultFile.EffortName(settings.Effort, settings.Iterations);
                if (Find(results, settings, method, $"{bits}", effort) is null)
                {
                    results.Add(run.Quantized(method, bits));
                }
            }
        }

        results.Save();
        Console.WriteLine(File.ReadAllText(results.MarkdownPath));
        return 0;
    }

    private static string Head(TextSettings settings)
    {
        var device = settings.Session.Device == Device.Cpu ? "" : $", on {settings.Session.Device}";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores, ONNX Runtime {OrtEnv.Instance().GetVersionString()}{device}; {Path.GetFileName(settings.Model)}, {settings.Steps} steps of DDIM, guidance {settings.Guidance}, seed {EvaluationRequest.UsualSeed}, policy {settings.Policy}; calibrated on {ClothesPrompts.Calibrating} prompts that are not judged"
        );
    }

    private static JsonNode? Find(
        ResultFile results,
        TextSettings settings,
        string method,
        string bits,
        string? effort
    ) =>
        results.Rows.FirstOrDefault(r =>
            (string?)r!["method"] == method
            && (string?)r["bits"] == bits
            && (string?)r["effort"] == effort
            && (string?)r["policy"] == settings.Policy
            && (int?)r["images"] == settings.Images
        );
}
