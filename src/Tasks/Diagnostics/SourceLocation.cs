using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;

namespace DiffusionQuant.Build.Diagnostics;

/// <summary>
/// A place in a project file. MSBuild tells a task which file defines an item but not where in it, so the element is
/// looked up in the XML; this is done only when there is something to report.
/// </summary>
internal sealed class SourceLocation
{
    private const string ItemName = "DiffusionModel";
    private static readonly string[] NotMetadata = ["Include", "Exclude", "Remove", "Update", "Condition", "Label"];

    private SourceLocation(string? file, int line, int column)
    {
        File = file;
        Line = line;
        Column = column;
    }

    public string? File { get; }

    /// <summary>From 1; 0 where only the file is known.</summary>
    public int Line { get; }

    /// <summary>From 1; 0 where only the file is known.</summary>
    public int Column { get; }

    public static SourceLocation OfFile(string? file) => new(file, 0, 0);

    /// <summary>
    /// Finds the element that includes <paramref name="include"/>, or its metadata (attribute or child element) of the
    /// given name if it has one.
    /// </summary>
    /// <param name="projectFile">The file that defines the item.</param>
    /// <param name="include">The item's evaluated include.</param>
    /// <param name="valueOf">The item's metadata, to tell elements of the same include apart.</param>
    /// <param name="metadata">The metadata to find; null for the element.</param>
    public static SourceLocation Find(
        string? projectFile,
        string include,
        Func<string, string> valueOf,
        string? metadata = null
    )
    {
        try
        {
            if (string.IsNullOrEmpty(projectFile) || FindElement(projectFile!, include, valueOf) is not { } element)
            {
                return OfFile(projectFile);
            }

            var place = metadata is null ? null : Metadata(element).FirstOrDefault(m => m.Name == metadata).Place;
            return At(projectFile!, place ?? element);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or XmlException)
        {
            // The place only makes the message better; the message itself must not be lost.
            return OfFile(projectFile);
        }
    }

    private static SourceLocation At(string file, XObject place)
    {
        var info = (IXmlLineInfo)place;
        // The reader gives an element's position behind its '<'; MSBuild and editors count from the '<'.
        var column = place is XElement ? info.LinePosition - 1 : info.LinePosition;
        return info.HasLineInfo() ? new SourceLocation(file, info.LineNumber, column) : OfFile(file);
    }

    private static XElement? FindElement(string projectFile, string include, Func<string, string> valueOf)
    {
        var candidates = XDocument
            .Load(projectFile, LoadOptions.SetLineInfo)
            .Descendants()
            .Where(e => e.Name.LocalName == ItemName && e.Attribute("Include") is not null)
            .OrderByDescending(e => Likeness(e, valueOf))
            .ToList();
        return candidates.FirstOrDefault(e => Specs(e).Any(s => s == Normalize(include)))
            ?? candidates.FirstOrDefault(e => Specs(e).Any(s => CouldEvaluateTo(s, Normalize(include))))
            ?? (candidates.Count == 1 ? candidates[0] : null);
    }

    /// <summary>How many metadata of the element the item has too; -1 if it has one of them with another value.</summary>
    private static int Likeness(XElement element, Func<string, string> valueOf)
    {
        var literal = Metadata(element).Where(m => !IsEvaluated(m.Value)).ToList();
        return literal.All(m => m.Value.Trim() == valueOf(m.Name).Trim()) ? literal.Count : -1;
    }

    private static IEnumerable<(string Name, string Value, XObject Place)> Metadata(XElement element) =>
        element
            .Attributes()
            .Where(a => !Array.Exists(NotMetadata, name => name == a.Name.LocalName))
            .Select(a => (a.Name.LocalName, a.Value, (XObject)a))
            .Concat(element.Elements().Select(e => (e.Name.LocalName, e.Value, (XObject)e)));

    private static bool IsEvaluated(string text) => Regex.IsMatch(text, @"[$@%]\(|%[0-9A-Fa-f]{2}");

    private static IEnumerable<string> Specs(XElement element) =>
        element.Attribute("Include")!.Value.Split(';').Select(Normalize);

    private static string Normalize(string path) => path.Trim().Replace('\\', '/').TrimEnd('/');

    /// <summary>Whether an unevaluated spec with wildcards, properties or item lists in it could stand for the path.</summary>
    private static bool CouldEvaluateTo(string spec, string include)
    {
        if (!Regex.IsMatch(spec, @"[*?]|[$@]\("))
        {
            return false;
        }

        var pattern = Regex.Replace(
            Regex.Escape(spec),
            @"\\\$\\\([^)]*\)|@\\\([^)]*\)|\\\*\\\*/|\\\*|\\\?",
            match =>
                match.Value switch
                {
                    @"\?" => "[^/]",
                    @"\*" => "[^/]*",
                    @"\*\*/" => "(.*/)?",
                    _ => ".*",
                }
        );
        return Regex.IsMatch(include, $"^{pattern}$", RegexOptions.IgnoreCase);
    }
}
