using DiffusionQuant.Build.Diagnostics;
using Microsoft.Build.Framework;

namespace DiffusionQuant.Build.Models;

/// <summary>One <c>DiffusionModel</c> item of a project, its metadata read and its paths made absolute.</summary>
internal sealed class ModelItem
{
    // MSBuild names the defining file of an item that a task made after that task's target, so jobs carry it themselves.
    private const string DefiningProject = "DiffusionDefiningProject";

    private readonly ITaskItem item;
    private readonly string projectDirectory;

    /// <param name="item">The item.</param>
    /// <param name="projectDirectory">The project's folder, absolute.</param>
    /// <param name="modelsFolder">The folder below the output folder that the model's folder lies in, where the item names no other.</param>
    public ModelItem(ITaskItem item, string projectDirectory, string modelsFolder)
    {
        this.item = item;
        this.projectDirectory = projectDirectory;
        ModelsFolder = modelsFolder;
        Include = item.ItemSpec.TrimEnd('/', '\\');
        Path = Absolute(Include);
        Name = Metadata("Name") ?? NameOf(Include);
        Link = (Metadata("Link") ?? $"{modelsFolder}/{Name}").Replace('\\', '/').TrimEnd('/');
        Recipe = Metadata("Recipe") is { } recipe ? Absolute(recipe) : null;
        Conditioning = Metadata("Conditioning") is { } conditioning ? Absolute(conditioning) : null;
        Prompts = Metadata("Prompts") is { } prompts ? Absolute(prompts) : null;
        Clip = Metadata("Clip") is { } clip ? Absolute(clip) : null;
        TrainingData = Metadata("TrainingData") is { } images ? Absolute(images) : null;
        Snapshot = Absolute(Metadata("Snapshot") ?? BesideModel($"{Name}.metrics.verified.json"));
        Rules = List("Rules");
        InputRoles = List("InputRoles");
        Parts = List("Parts");
    }

    /// <summary>The path as the project file has it (wildcards and properties evaluated).</summary>
    public string Include { get; }

    /// <summary>The model's file or folder.</summary>
    public string Path { get; }

    /// <summary>What the model's folder under <c>obj</c>, its class and its resources are called after.</summary>
    public string Name { get; }

    /// <summary>Where <see cref="Link"/> leads if the item does not say.</summary>
    public string ModelsFolder { get; }

    /// <summary>The model's folder below the output folder, with forward slashes.</summary>
    public string Link { get; }

    /// <summary>Whether the files go into the assembly as resources instead of beside it.</summary>
    public bool Embed => bool.TryParse(Metadata("Embed"), out var embed) && embed;

    /// <summary>Whether layers get more bits until the item's limits hold.</summary>
    public bool Fallback => bool.TryParse(Metadata("Fallback"), out var fallback) && fallback;

    public string? Recipe { get; }

    /// <summary>A file or folder of arrays for the model's other inputs.</summary>
    public string? Conditioning { get; }

    /// <summary>A text file with one prompt a line.</summary>
    public string? Prompts { get; }

    /// <summary>A folder with a CLIP model, which the evaluation compares pictures with their prompts by.</summary>
    public string? Clip { get; }

    /// <summary>A file or folder of images for quantization-aware training.</summary>
    public string? TrainingData { get; }

    /// <summary>The file of verified metrics, whether it exists or not; beside the model unless the item says.</summary>
    public string Snapshot { get; }

    public IReadOnlyList<string> Rules { get; }

    public IReadOnlyList<string> InputRoles { get; }

    /// <summary>What becomes of a pipeline's other parts, as <c>text_encoder=W8A16</c>.</summary>
    public IReadOnlyList<string> Parts { get; }

    /// <summary>A metadata's value, or null where it is unset or blank.</summary>
    public string? Metadata(string name) => item.GetMetadata(name).Trim() is { Length: > 0 } value ? value : null;

    /// <summary>Where the item, or one of its metadata, stands in the project file.</summary>
    public SourceLocation Locate(string? metadata = null)
    {
        var definedIn = item.GetMetadata(DefiningProject);
        var projectFile = definedIn.Length > 0 ? definedIn : item.GetMetadata("DefiningProjectFullPath");
        return SourceLocation.Find(projectFile, Include, item.GetMetadata, metadata);
    }

    /// <summary>Gives another item all metadata of this one, and where it was defined.</summary>
    public void CopyMetadataTo(ITaskItem other)
    {
        item.CopyMetadataTo(other);
        Items.Set(other, DefiningProject, item.GetMetadata("DefiningProjectFullPath"));
    }

    /// <summary>A path of the project file, made absolute.</summary>
    public string Absolute(string path) =>
        System.IO.Path.GetFullPath(
            System.IO.Path.Combine(projectDirectory, path.Replace('\\', System.IO.Path.DirectorySeparatorChar))
        );

    /// <summary>A metadata's value made absolute where it leads to something; else as it stands: a name that the tool knows.</summary>
    public string? PathOrName(string metadata)
    {
        var value = Metadata(metadata);
        var path = value is null ? null : Absolute(value);
        return File.Exists(path) || Directory.Exists(path) ? path : value;
    }

    private static string NameOf(string include)
    {
        var last = System.IO.Path.GetFileName(include.Replace('\\', '/'));
        return last.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase) ? last.Substring(0, last.Length - 5) : last;
    }

    private string BesideModel(string file) =>
        System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path) ?? Path, file);

    // Not the semicolon: MSBuild would take it apart before the task sees it.
    private string[] List(string name) =>
        (Metadata(name) ?? "").Split('|').Select(part => part.Trim()).Where(part => part.Length > 0).ToArray();
}
