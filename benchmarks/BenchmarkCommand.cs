namespace DiffusionQuant.Benchmarks;

/// <summary>A benchmark as the command line knows it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Usage">Its options, as the help shows them.</param>
/// <param name="Description">What it measures.</param>
/// <param name="Run">Runs it with its options, and returns the exit code.</param>
internal sealed record BenchmarkCommand(string Name, string Usage, string Description, Func<string[], int> Run)
{
    private static readonly char[] Around = [' ', '\n', '[', ']'];

    /// <summary>How it is called, and what it measures.</summary>
    public string Help =>
        $"dotnet run -c Release --project benchmarks -- {$"{Name} {Usage}".TrimEnd()}\n{Description}".Replace(
            "\n",
            "\n    ",
            StringComparison.Ordinal
        );

    /// <summary>The first option that <see cref="Usage"/> does not name; null where it names all.</summary>
    public string? UnknownIn(string[] options)
    {
        var known = Usage.Split(Around);
        return Array.Find(options, o => o.StartsWith("--", StringComparison.Ordinal) && !known.Contains(o));
    }
}
