/// <summary>
/// The public API of a library as the analyzer's two files hold it: what the last release had, and what has changed since.
/// </summary>
internal sealed class Baseline(string folder)
{
    private const string RemovedPrefix = "*REMOVED*";

    private readonly string shippedFile = Path.Combine(folder, "PublicAPI.Shipped.txt");
    private readonly string unshippedFile = Path.Combine(folder, "PublicAPI.Unshipped.txt");

    public void WriteChanges(IReadOnlyCollection<string> declared)
    {
        string[] shipped = [.. File.ReadLines(shippedFile).Where(line => line is not ("" or ['#', ..]))];
        Write(shippedFile, shipped);
        Write(
            unshippedFile,
            [.. declared.Except(shipped), .. shipped.Except(declared).Select(line => RemovedPrefix + line)]
        );
    }

    public void WriteRelease(IReadOnlyCollection<string> declared)
    {
        Write(shippedFile, declared);
        Write(unshippedFile, []);
    }

    // Neither the order of the compiler's findings nor the system's line ends may show in a diff.
    private static void Write(string file, IEnumerable<string> lines) =>
        File.WriteAllText(
            file,
            string.Concat(lines.Order(StringComparer.Ordinal).Prepend("#nullable enable").Select(line => line + "\n"))
        );
}
