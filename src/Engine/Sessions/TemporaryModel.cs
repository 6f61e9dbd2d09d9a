using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Serialization;

namespace DiffusionQuant.Engine;

/// <summary>
/// A model written to a temporary folder with its weights beside it, where ONNX Runtime maps them instead of copying
/// them twice.
/// </summary>
internal sealed class TemporaryModel : IDisposable
{
    private readonly string folder = UnfinishedWork.Begin(Directory.CreateTempSubdirectory("diffusionquant-").FullName);

    /// <summary>Writes a model.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1012: it cannot be written.</exception>
    public TemporaryModel(OnnxModel model)
    {
        Path = System.IO.Path.Combine(folder, "model.onnx");
        try
        {
            model.Save(Path, new SaveOptions { SingleFileLimit = 0, ExternalDataName = "model.data" });
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The model's file.</summary>
    public string Path { get; }

    /// <summary>Deletes the folder. On Unix this may be done while the weights are still mapped.</summary>
    public void Dispose()
    {
        try
        {
            Directory.Delete(folder, recursive: true);
            UnfinishedWork.End(folder);
        }
        catch (DirectoryNotFoundException) { }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Left to the system's cleaning of its temporary folder: no reason to fail what has worked.
        }
    }
}
