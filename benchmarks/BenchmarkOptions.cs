using System.Globalization;
using DiffusionQuant.Engine;

namespace DiffusionQuant.Benchmarks;

/// <summary>Reads <c>--name value</c> pairs.</summary>
internal static class BenchmarkOptions
{
    public static string Option(string[] options, string name, string fallback)
    {
        var index = Array.IndexOf(options, name);
        return index >= 0 && index + 1 < options.Length ? options[index + 1] : fallback;
    }

    /// <summary>Reads <c>--device</c>, by default a GPU where one can be used, and <c>--threads</c>.</summary>
    public static SessionSettings Session(string[] options, string threads) =>
        new()
        {
            Device = Device.Parse(Option(options, "--device", "auto")),
            Threads = int.Parse(Option(options, "--threads", threads), CultureInfo.InvariantCulture),
        };
}
