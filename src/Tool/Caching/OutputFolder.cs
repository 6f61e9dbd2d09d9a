using DiffusionQuant.Diffusion;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Onnx.Serialization;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Training.Denoisers;

namespace DiffusionQuant.Tool.Caching;

/// <summary>
/// The folder that a run leaves: filled beside under another name and renamed, so that a killed run leaves no half model.
/// </summary>
internal sealed class OutputFolder
{
    private const string Suffix = ".diffquant-new";
    private static readonly TimeSpan Abandoned = TimeSpan.FromDays(1);
    private readonly string path;

    /// <summary>Names a folder for a quantized model.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1121: it holds something else than a quantized model, or a file
    /// besides one. DQ1122: it cannot be written.</exception>
    public OutputFolder(string path)
        : this(path, [QuantizationReport.FileName], "a quantized model")
    {
        // What a user has put beside a result would be lost with it.
        if (
            Directory.Exists(this.path)
            && Directory
                .EnumerateFileSystemEntries(this.path)
                .Select(System.IO.Path.GetFileName)
                .FirstOrDefault(name => !ModelLayout.IsOfModel(name!))
                is { } other
        )
        {
            throw ToolErrors.OutputHoldsOther(this.path, $"a quantized model, namely {other},");
        }
    }

    private OutputFolder(string path, string[] files, string content)
    {
        this.path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        if (File.Exists(this.path) || (Directory.Exists(this.path) && !Holds(this.path, files) && !IsEmpty(this.path)))
        {
            throw ToolErrors.OutputHoldsOther(this.path, content);
        }

        Folders.CheckWritable(System.IO.Path.GetDirectoryName(this.path) ?? this.path);
    }

    /// <summary>Names a folder for a feature extractor.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1121: it holds something else than an extractor.</exception>
    public static OutputFolder OfExtractor(string path) =>
        new(path, [ExtractorSettings.FileName, ModelLayout.ModelFile], "an extractor");

    /// <summary>Names a folder for a network that is trained from images.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1121: it holds something else than such a network.</exception>
    public static OutputFolder OfTrained(string path) =>
        new(path, [TrainedDenoiser.ReportName, $"unet/{ModelLayout.ModelFile}"], "a network that train made");

    /// <summary>The folder's full path.</summary>
    public string Path => path;

    /// <summary>Fills the folder anew.</summary>
    /// <param name="write">Writes the files into an empty folder.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1122: it cannot be written.</exception>
    public void Fill(Action<string> write)
    {
        var temporary = UnfinishedWork.Begin($"{path}.{Guid.NewGuid():N}{Suffix}");
        try
        {
            RemoveAbandoned();
            Directory.CreateDirectory(temporary);
            write(temporary);
            Folders.Replace(path, temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ToolErrors.CannotWrite(path, e);
        }
        finally
        {
            Folders.Delete(temporary);
            UnfinishedWork.End(temporary);
        }
    }

    private static bool Holds(string folder, string[] files) =>
        Array.TrueForAll(files, f => File.Exists(System.IO.Path.Combine(folder, f)));

    private static bool IsEmpty(string folder) => !Directory.EnumerateFileSystemEntries(folder).Any();

    /// <summary>A killed process could not remove what it had begun.</summary>
    private void RemoveAbandoned()
    {
        var parent = System.IO.Path.GetDirectoryName(path);
        if (parent is null || !Directory.Exists(parent))
        {
            return;
        }

        foreach (var folder in Directory.EnumerateDirectories(parent, $"{System.IO.Path.GetFileName(path)}.*{Suffix}"))
        {
            if (DateTime.UtcNow - Directory.GetLastWriteTimeUtc(folder) > Abandoned)
            {
                Folders.Delete(folder);
            }
        }
    }
}
