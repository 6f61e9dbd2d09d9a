using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Evaluation.Features;

/// <summary>Finds an extractor's network and settings: among the embedded ones, in a folder, or an <c>.onnx</c> file.</summary>
/// <param name="Path">Where it was found, for messages.</param>
/// <param name="Model">The network.</param>
/// <param name="Settings">Its settings, read or inferred.</param>
/// <param name="ModelPath">The network's file; null for an embedded one.</param>
internal sealed record ExtractorFiles(string Path, OnnxModel Model, ExtractorSettings Settings, string? ModelPath)
{
    /// <summary>All files that decide what the extractor is, as full paths, and where its settings would be if there were any;
    /// none for an embedded one.</summary>
    public IReadOnlyList<string> All { get; } =
        ModelPath is null
            ? []
            :
            [
                System.IO.Path.GetFullPath(ModelPath),
                .. Model.DataFiles,
                System.IO.Path.Combine(
                    System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!,
                    ExtractorSettings.FileName
                ),
            ];

    /// <summary>Finds and reads.</summary>
    public static ExtractorFiles Find(string nameOrPath)
    {
        if (EmbeddedFeatures.Has(nameOrPath, ExtractorSettings.FileName))
        {
            return Embedded(nameOrPath);
        }

        if (Directory.Exists(nameOrPath))
        {
            var file = System.IO.Path.Combine(nameOrPath, ExtractorSettings.FileName);
            return File.Exists(file) ? Described(file) : throw FeatureErrors.ExtractorNotFound(nameOrPath);
        }

        if (!File.Exists(nameOrPath))
        {
            throw FeatureErrors.ExtractorNotFound(nameOrPath);
        }

        if (System.IO.Path.GetFileName(nameOrPath) == ExtractorSettings.FileName)
        {
            return Described(nameOrPath);
        }

        if (!nameOrPath.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase))
        {
            throw FeatureErrors.ExtractorNotFound(nameOrPath);
        }

        var beside = System.IO.Path.Combine(
            System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(nameOrPath))!,
            ExtractorSettings.FileName
        );
        if (File.Exists(beside) && ExtractorSettings.Load(beside).Model == System.IO.Path.GetFileName(nameOrPath))
        {
            return Described(beside);
        }

        var model = OnnxModel.Load(nameOrPath);
        return new(nameOrPath, model, ExtractorInference.Infer(model, nameOrPath), nameOrPath);
    }

    /// <summary>Loads the network for running.</summary>
    public ModelSession Start(SessionSettings session) =>
        ModelPath is null ? ModelSession.Load(Model, session) : ModelSession.Load(ModelPath, session);

    private static ExtractorFiles Described(string file)
    {
        var settings = ExtractorSettings.Load(file);
        var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(file))!;
        var path = System.IO.Path.Combine(folder, settings.Model);
        return File.Exists(path)
            ? new(file, OnnxModel.Load(path), settings, path)
            : throw FeatureErrors.BadSettings(file, $"the network '{settings.Model}' that it names is not there");
    }

    private static ExtractorFiles Embedded(string name)
    {
        var settings = ExtractorSettings.Parse(
            EmbeddedFeatures.Text(name, ExtractorSettings.FileName),
            $"{name}/{ExtractorSettings.FileName}"
        );
        return new(name, OnnxModel.Parse(EmbeddedFeatures.Bytes(name, settings.Model), name), settings, null);
    }
}
