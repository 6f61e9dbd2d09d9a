using System.IO.Compression;
using System.Xml.Linq;

/// <summary>
/// Writes a .nupkg. The same content gives the same bytes, so that a package made anew
/// equals the copy that NuGet's cache may hold already.
/// </summary>
internal sealed record NuGetPackage(string Id, string Version, string Description)
{
    private static readonly DateTimeOffset EntryTime = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly SortedDictionary<string, string> files = new(StringComparer.Ordinal);

    /// <summary>The packages that this one depends on, for every target framework: id and lowest version.</summary>
    public required IReadOnlyDictionary<string, string> Dependencies { get; init; }

    /// <summary>Adds a file of the disk to a folder of the package.</summary>
    public void AddFile(string file, string folder) =>
        files.Add($"{folder}/{Path.GetFileName(file)}".TrimStart('/'), file);

    /// <summary>Adds the files of a folder of the disk to a folder of the package.</summary>
    public void AddFolder(string source, string folder)
    {
        foreach (string file in Directory.GetFiles(source))
        {
            AddFile(file, folder);
        }
    }

    /// <summary>Writes the package into a folder feed: beside its place first, so that no half package is ever seen.</summary>
    public void WriteTo(string feed)
    {
        string place = Path.Combine(feed, $"{Id}.{Version}.nupkg");
        string beside = $"{place}.{Environment.ProcessId}.partial";
        try
        {
            using (ZipArchive archive = new(File.Create(beside), ZipArchiveMode.Create))
            {
                using (Stream nuspec = Entry(archive, $"{Id}.nuspec"))
                {
                    Nuspec().Save(nuspec);
                }
                foreach ((string name, string file) in files)
                {
                    using Stream entry = Entry(archive, name);
                    using FileStream content = File.OpenRead(file);
                    content.CopyTo(entry);
                }
            }
            File.Move(beside, place, overwrite: true);
        }
        finally
        {
            File.Delete(beside);
        }
    }

    private static Stream Entry(ZipArchive archive, string name)
    {
        ZipArchiveEntry entry = archive.CreateEntry(name, CompressionLevel.Optimal);
        entry.LastWriteTime = EntryTime;
        return entry.Open();
    }

    private XDocument Nuspec()
    {
        XNamespace xml = "http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd";
        return new XDocument(
            new XElement(
                xml + "package",
                new XElement(
                    xml + "metadata",
                    new XElement(xml + "id", Id),
                    new XElement(xml + "version", Version),
                    new XElement(xml + "authors", "Microsoft"),
                    new XElement(xml + "license", new XAttribute("type", "expression"), "MIT"),
                    new XElement(xml + "projectUrl", "https://github.com/microsoft/onnxruntime"),
                    new XElement(xml + "description", Description),
                    new XElement(
                        xml + "dependencies",
                        Dependencies.Select(dependency => new XElement(
                            xml + "dependency",
                            new XAttribute("id", dependency.Key),
                            new XAttribute("version", dependency.Value)
                        ))
                    )
                )
            )
        );
    }
}
