using System.Text.Json;

namespace DiffusionQuant.Build.Tests.Sandboxes;

/// <summary>One start of the fake tool, as it wrote it down.</summary>
internal sealed record ToolRun(string[] Args, string? Cuda, int ProcessId, bool Ended, bool Quantized)
{
    /// <summary><c>quantize</c> or <c>verify</c>.</summary>
    public string Command => Args[0];

    /// <summary>The name of the file or folder that it was started for.</summary>
    public string Model => Path.GetFileName(Args[1]);

    public static IReadOnlyList<ToolRun> Read(string log) =>
        File.Exists(log)
            ? File.ReadAllLines(log)
                .Select(line => JsonSerializer.Deserialize<ToolRun>(line, JsonSerializerOptions.Web)!)
                .ToList()
            : [];

    /// <summary>The value behind an option, or null.</summary>
    public string? Option(string name) => Array.IndexOf(Args, name) is var at and >= 0 ? Args[at + 1] : null;

    /// <summary>The values behind an option that may come several times.</summary>
    public IEnumerable<string> Options(string name) => Args.Where((_, i) => i > 0 && Args[i - 1] == name);
}
