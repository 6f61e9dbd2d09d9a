using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Tests.Generality;

namespace DiffusionQuant.Quantization.Tests.Calibration;

/// <summary>A model that was written to a folder and loaded from there, as a user's is.</summary>
internal sealed class LoadedModel : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("diffusionquant-tests-");

    public LoadedModel(OnnxModel model, ModelOptions? options = null) =>
        Source = DiffusionModel.Load(QuantizedModel.Write(folder.FullName, model), options);

    public DiffusionModel Source { get; }

    public void Dispose() => folder.Delete(recursive: true);
}
