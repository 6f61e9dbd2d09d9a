using System.Reflection;

namespace DiffusionQuant.Diffusion;

/// <summary>The two ways in which the generated class loads a model; here it only reads the file.</summary>
public sealed class DiffusionPipeline
{
    private DiffusionPipeline(string model) => Model = model;

    /// <summary>The text of the fake model.</summary>
    public string Model { get; }

    public static DiffusionPipeline Load(string folder, PipelineOptions? options = null) =>
        new(File.ReadAllText(Path.Combine(folder, "model.onnx")));

    public static DiffusionPipeline LoadEmbedded(Assembly assembly, string name, PipelineOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        using var stream =
            assembly.GetManifestResourceStream($"{name}/model.onnx") ?? throw new FileNotFoundException(name);
        return new(new StreamReader(stream).ReadToEnd());
    }
}
