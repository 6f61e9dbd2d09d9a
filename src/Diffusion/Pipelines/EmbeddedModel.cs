using System.Reflection;

namespace DiffusionQuant.Diffusion;

/// <summary>A model folder among an assembly's resources, unpacked into a temporary folder while it is in use.</summary>
internal sealed class EmbeddedModel : IDisposable
{
    private EmbeddedModel(string folder) => Folder = folder;

    /// <summary>The temporary folder.</summary>
    public string Folder { get; }

    /// <summary>Unpacks all resources under a prefix.</summary>
    public static EmbeddedModel Unpack(Assembly assembly, string prefix)
    {
        // Windows builds write folders of LogicalNames with backslashes.
        static string Unified(string name) => name.Replace('\\', '/');

        var start = Unified(prefix).TrimEnd('/') + "/";
        var names = assembly.GetManifestResourceNames();
        var wanted = names.Where(n => Unified(n).StartsWith(start, StringComparison.Ordinal)).ToArray();
        if (!wanted.Any(n => Unified(n).EndsWith(".onnx", StringComparison.Ordinal)))
        {
            throw DiffusionErrors.NoResource(
                assembly.GetName().Name ?? assembly.ToString(),
                start + "model.onnx",
                names.Length == 0 ? "it has none at all" : $"it has {string.Join(", ", names)}"
            );
        }

        var result = new EmbeddedModel(Directory.CreateTempSubdirectory("diffusionquant-").FullName);
        try
        {
            foreach (var name in wanted)
            {
                var path = Path.GetFullPath(Path.Combine(result.Folder, Unified(name)[start.Length..]));
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                using var resource = assembly.GetManifestResourceStream(name)!;
                using var file = File.Create(path);
                resource.CopyTo(file);
            }

            return result;
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    /// <summary>Deletes the folder.</summary>
    public void Dispose()
    {
        try
        {
            Directory.Delete(Folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // On Windows mapped weights cannot be deleted before the session ends; the system's own cleaning remains.
        }
    }
}
