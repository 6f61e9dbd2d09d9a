using System.Runtime.CompilerServices;
using System.Text;

namespace DiffusionQuant.Tests.Shared;

/// <summary>
/// Compares text with a file beside the test, in Verify's naming: <c>Class.Method.verified.txt</c>. On a mismatch the text
/// is written to <c>Class.Method.received.txt</c>, to look at and, if it is right, to rename.
/// </summary>
internal static class Snapshot
{
    /// <summary>Compares.</summary>
    /// <param name="text">What the test produced.</param>
    /// <param name="parameters">Tells the cases of a theory apart; becomes part of the file's name.</param>
    /// <param name="sourceFile">Filled by the compiler: the test's file, named after its class.</param>
    /// <param name="method">Filled by the compiler.</param>
    public static void Verify(
        string text,
        string? parameters = null,
        [CallerFilePath] string sourceFile = "",
        [CallerMemberName] string method = ""
    )
    {
        var folder = Path.GetDirectoryName(OnThisMachine(sourceFile))!;
        var suffix = parameters is null ? "" : $"_{parameters}";
        var name = $"{Path.GetFileNameWithoutExtension(sourceFile)}.{method}{suffix}";
        var verified = Path.Combine(folder, $"{name}.verified.txt");
        var received = Path.Combine(folder, $"{name}.received.txt");
        var actual = Normalize(text);
        var expected = File.Exists(verified) ? Normalize(File.ReadAllText(verified)) : null;
        if (actual == expected)
        {
            File.Delete(received);
            return;
        }

        File.WriteAllText(received, actual, new UTF8Encoding(false));
        Assert.Fail(
            expected is null ? $"{verified} does not exist; see {received}." : Difference(expected, actual, received)
        );
    }

    private static string Normalize(string text) => text.ReplaceLineEndings("\n").TrimEnd('\n') + "\n";

    private static string Difference(string expected, string actual, string received)
    {
        var (wanted, got) = (expected.Split('\n'), actual.Split('\n'));
        var line = Enumerable.Range(0, Math.Max(wanted.Length, got.Length)).First(i => At(wanted, i) != At(got, i));
        return $"Line {line + 1} differs; see {received}.\n  verified: {At(wanted, line)}\n  received: {At(got, line)}";
    }

    private static string? At(string[] lines, int index) => index < lines.Length ? lines[index] : null;

    /// <summary>The repository's root folder.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>A source file's path as the compiler gave it; builds of continuous integration write <c>/_/tests/…</c>.</summary>
    public static string OnThisMachine(string sourceFile)
    {
        const string mappedRoot = "/_/";
        return sourceFile.StartsWith(mappedRoot, StringComparison.Ordinal)
            ? Path.Combine(Root, sourceFile[mappedRoot.Length..])
            : sourceFile;
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (folder.EnumerateFiles("*.sln").Any())
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("There is no solution above the test's assembly.");
    }
}
