using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using DiffusionQuant.Quantization;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Benchmarks;

/// <summary>Quantization in a process of its own, so that time and peak memory are its own.</summary>
/// <param name="Seconds">How long it took.</param>
/// <param name="ProcessorSeconds">How long processors worked at it: what it costs where other programs want them too.</param>
/// <param name="Memory">The process's peak, MB.</param>
internal sealed record ApartQuantization(double Seconds, double ProcessorSeconds, long Memory)
{
    /// <summary>Beside the model, when it is finished: what it cost and of which recipe it is.</summary>
    private const string CostFile = "apart.json";

    /// <summary>Quantizes a model, or takes what an earlier run made of the same recipe.</summary>
    /// <param name="model">The float model.</param>
    /// <param name="folder">The quantized one's folder; all else in it is removed.</param>
    /// <param name="recipe">The recipe.</param>
    /// <param name="method">The method or one of its variants.</param>
    /// <param name="work">A folder for the recipe's file.</param>
    public static ApartQuantization RunOrTake(string model, string folder, Recipe recipe, string method, string work)
    {
        var file = Path.Combine(folder, CostFile);
        var identity = $"{Quantizer.AlgorithmVersion} {recipe.Hash}";
        if (File.Exists(file) && JsonNode.Parse(File.ReadAllText(file))! is { } known)
        {
            if ((string?)known["recipe"] == identity && (string?)known["method"] == method)
            {
                return known.Deserialize<ApartQuantization>()!;
            }
        }

        var made = Run(model, folder, recipe, method, work);
        var cost = JsonSerializer.SerializeToNode(made)!;
        cost["recipe"] = identity;
        cost["method"] = method;
        File.WriteAllText(file, cost.ToJsonString());
        return made;
    }

    /// <summary>Quantizes a model.</summary>
    /// <inheritdoc cref="RunOrTake"/>
    public static ApartQuantization Run(string model, string folder, Recipe recipe, string method, string work)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        Directory.CreateDirectory(folder);
        var file = Path.Combine(work, "recipe.json");
        // The canonical form names files by their content and devices by their kind.
        var json = JsonNode.Parse(recipe.CanonicalJson)!;
        if (recipe.TrainingData is { } data)
        {
            json["trainingData"] = Path.GetFullPath(data);
        }

        if (recipe.Prompts is { } prompts)
        {
            json["prompts"] = Path.GetFullPath(prompts);
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
            ? new(
                double.Parse(words[0], CultureInfo.InvariantCulture),
                double.Parse(words[1], CultureInfo.InvariantCulture),
                long.Parse(words[2], CultureInfo.InvariantCulture)
            )
            : throw new InvalidOperationException($"Quantizing {recipe.Bits} by {method} failed.");
    }

    /// <summary>Quantizes in this process; the parent reads time and memory from what it prints.</summary>
    public static int Child(string model, string folder, string recipe, string method)
    {
        var started = Stopwatch.GetTimestamp();
        Quantizer.Run(new(model, folder, Recipe.Load(recipe)), MethodVariants.Passes(method), null, out _);
        using var process = Process.GetCurrentProcess();
        process.Refresh();
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Stopwatch.GetElapsedTime(started).TotalSeconds:F1} {process.TotalProcessorTime.TotalSeconds:F1} {process.PeakWorkingSet64 >> 20}"
            )
        );
        return 0;
    }

    /// <summary>The program itself where `dotnet` started it, nothing where it is an executable of its own.</summary>
    private static string[] Arguments() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet"
            ? [Environment.GetCommandLineArgs()[0]]
            : [];
}
