using DiffusionQuant.Onnx.Serialization;

namespace DiffusionQuant.Tool.Caching;

/// <summary>A cache for one run, for work of many parts where none is wanted.</summary>
internal sealed class ScratchCache : IDisposable
{
    private readonly string folder = UnfinishedWork.Begin(Directory.CreateTempSubdirectory("diffusionquant-").FullName);

    private ScratchCache(ToolHost host) => Cache = new(folder, host.Time);

    /// <summary>The cache.</summary>
    public ArtifactCache Cache { get; }

    /// <summary>Makes one where it is needed; else null.</summary>
    public static ScratchCache? Where(bool isNeeded, ToolHost host) => isNeeded ? new(host) : null;

    public void Dispose()
    {
        Folders.Delete(folder);
        UnfinishedWork.End(folder);
    }
}
