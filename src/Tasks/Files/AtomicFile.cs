using System.Text;

namespace DiffusionQuant.Build.Files;

/// <summary>Small text files that another build may read, or write too, at the same time.</summary>
internal static class AtomicFile
{
    private static readonly Encoding Utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

    /// <summary>The file's text, or null where it does not exist.</summary>
    public static string? Read(string path) => File.Exists(path) ? File.ReadAllText(path, Utf8) : null;

    /// <summary>
    /// Writes the file unless it already holds the text: its time then tells when the content last changed, which is
    /// what MSBuild compares.
    /// </summary>
    /// <returns>Whether it was written.</returns>
    public static bool WriteIfDifferent(string path, string text)
    {
        if (Read(path) == text)
        {
            return false;
        }

        Write(path, text);
        return true;
    }

    /// <summary>Writes beside the file and puts the result in its place, so that nobody sees half of it.</summary>
    public static void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = $"{path}.{Guid.NewGuid():N}";
        File.WriteAllText(temporary, text, Utf8);
        try
        {
            Replace(temporary, path);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static void Replace(string source, string destination)
    {
        // .NET Standard 2.0 has no move that overwrites; Replace needs a destination, Move needs none.
        try
        {
            File.Move(source, destination);
        }
        catch (IOException) when (File.Exists(destination))
        {
            File.Replace(source, destination, destinationBackupFileName: null);
        }
    }
}
