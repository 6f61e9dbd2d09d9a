namespace DiffusionQuant.Benchmarks;

/// <summary>Reads <c>--name value</c> pairs.</summary>
internal static class BenchmarkOptions
{
    public static string Option(string[] options, string name, string fallback)
    {
        var index = Array.IndexOf(options, name);
        return index >= 0 && index + 1 < options.Length ? options[index + 1] : fallback;
    }
}
