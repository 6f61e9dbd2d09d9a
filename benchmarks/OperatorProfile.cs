using System.Text.Json;
using DiffusionQuant.Engine;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Benchmarks;

/// <summary>Where a model's time goes, by operator, as ONNX Runtime's profiler sees it.</summary>
internal static class OperatorProfile
{
    private const int Runs = 5;

    public static string Of(string path, IReadOnlyDictionary<string, OrtValue> inputs, SessionSettings? settings = null)
    {
        settings ??= SessionSettings.Default;
        var prefix = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        string file;
        using (var session = ModelSession.Load(path, settings with { EnableProfiling = true, ProfilePrefix = prefix }))
        {
            for (var run = 0; run < Runs; run++)
            {
                session.Run(inputs).Dispose();
            }

            file = session.Native.EndProfiling();
        }

        using var document = JsonDocument.Parse(File.ReadAllText(file));
        File.Delete(file);
        var operators = document
            .RootElement.EnumerateArray()
            .Where(e =>
                e.GetProperty("cat").GetString() == "Node"
                && e.GetProperty("name").GetString()!.EndsWith("_kernel_time")
            )
            .GroupBy(e => e.GetProperty("args").GetProperty("op_name").GetString()!)
            .Select(g =>
                (Name: g.Key, Count: g.Count() / Runs, Ms: g.Sum(e => e.GetProperty("dur").GetDouble()) / 1000 / Runs)
            )
            .OrderByDescending(o => o.Ms);
        return string.Join(", ", operators.Take(18).Select(o => $"{o.Name} {o.Ms:F1} ms ({o.Count})"));
    }
}
