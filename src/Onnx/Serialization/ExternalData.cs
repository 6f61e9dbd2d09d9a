using System.Globalization;
using DiffusionQuant.Onnx.Protos;

namespace DiffusionQuant.Onnx.Serialization;

/// <summary>Finds the external data of a model's tensors; never outside the model's folder.</summary>
internal sealed class ExternalData(string modelPath)
{
    private readonly string folder = Path.GetDirectoryName(Path.GetFullPath(modelPath))!;
    private readonly Dictionary<string, MappedFile> files = new(StringComparer.Ordinal);

    /// <summary>The files that were mapped so far, as full paths in order.</summary>
    public IReadOnlyList<string> Files =>
        [
            .. files
                .Keys.Select(f => Path.GetFullPath(Path.Combine(folder, f.Replace('\\', '/'))))
                .Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal),
        ];

    /// <summary>The bytes of a tensor that keeps them in another file.</summary>
    /// <param name="tensor">The tensor's entry in the model.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <param name="expected">The number of bytes that its type and sizes take.</param>
    public ReadOnlyMemory<byte> Map(TensorProto tensor, string name, long expected)
    {
        var entries = tensor.ExternalData.ToLookup(e => e.Key, e => e.Value);
        var location = entries["location"].FirstOrDefault() ?? "";
        var file = Open(name, location);
        var offset = Number(name, "offset", entries["offset"].FirstOrDefault(), 0);
        var length = Number(name, "length", entries["length"].FirstOrDefault(), expected);
        if (length != expected)
        {
            throw OnnxErrors.BadTensor(
                modelPath,
                name,
                $"its type and shape take {expected} bytes, its entry says {length}"
            );
        }

        if (offset > file.Length || length > file.Length - offset)
        {
            throw OnnxErrors.BadTensor(
                modelPath,
                name,
                $"it needs bytes {offset} to {offset + length} of '{location}', which has {file.Length}"
            );
        }

        return file.Slice(offset, (int)length);
    }

    private MappedFile Open(string tensor, string location)
    {
        if (files.TryGetValue(location, out var known))
        {
            return known;
        }

        var path = Resolve(tensor, location);
        if (!File.Exists(path))
        {
            throw OnnxErrors.ExternalDataMissing(modelPath, tensor, location);
        }

        try
        {
            return GitLfs.IsPointer(path) ? throw OnnxErrors.GitLfsPointer(path) : files[location] = new(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw OnnxErrors.CannotRead(path, e.Message, e);
        }
    }

    private string Resolve(string tensor, string location)
    {
        // Both kinds of separators count as such on every system, and so do drive letters: a file must mean the same
        // everywhere. What is refused here never touches the disk.
        var relative = location.Replace('\\', '/');
        var hasDrive = relative.Length > 1 && relative[1] == ':' && char.IsAsciiLetter(relative[0]);
        if (
            relative.Length == 0
            || relative.Contains('\0')
            || relative[0] == '/'
            || hasDrive
            || (OperatingSystem.IsWindows() && relative.Contains(':'))
        )
        {
            throw OnnxErrors.ExternalDataOutside(modelPath, tensor, location);
        }

        var path = Path.GetFullPath(Path.Combine(folder, relative));
        if (!IsInside(path, folder))
        {
            throw OnnxErrors.ExternalDataOutside(modelPath, tensor, location);
        }

        // Model caches link both the model and its data into one blob folder; links to anywhere else are refused,
        // be it the file or a folder on the way to it that is a link.
        var target = LinkResolver.Resolve(path);
        var modelFolder = Path.GetDirectoryName(LinkResolver.Resolve(Path.GetFullPath(modelPath)))!;
        if (!IsInside(target, LinkResolver.Resolve(folder)) && !IsInside(target, modelFolder))
        {
            throw OnnxErrors.ExternalDataOutside(modelPath, tensor, location);
        }

        return path;
    }

    private static bool IsInside(string path, string folder) =>
        path.StartsWith(
            folder.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar,
            StringComparison.Ordinal
        );

    private long Number(string tensor, string key, string? text, long fallback)
    {
        if (text is null)
        {
            return fallback;
        }

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw OnnxErrors.BadTensor(modelPath, tensor, $"the {key} of its external data is '{text}'");
    }
}
