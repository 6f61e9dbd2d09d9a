namespace DiffusionQuant.Build.Tests.Fakes;

/// <summary>A model of the fake tool: any text, with lines <c>data: FILE</c> for files that are part of it.</summary>
internal static class ModelText
{
    private const string Data = "data: ";

    /// <summary>An <c>.onnx</c> file and the files that it names, whether they exist or not.</summary>
    public static IEnumerable<string> FilesOf(string path) =>
        File.ReadLines(path)
            .Where(line => line.StartsWith(Data, StringComparison.Ordinal))
            .Select(line => Path.Combine(Path.GetDirectoryName(path)!, line[Data.Length..]))
            .Prepend(path);
}
