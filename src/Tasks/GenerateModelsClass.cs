using DiffusionQuant.Build.Diagnostics;
using DiffusionQuant.Build.Files;
using DiffusionQuant.Build.Generation;
using DiffusionQuant.Build.Models;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace DiffusionQuant.Build;

/// <summary>
/// Writes the class that gives an app typed access to its models. It comes when references are resolved: without the
/// run-time library among them there is nothing to load a model with.
/// </summary>
[MSBuildMultiThreadableTask]
public sealed class GenerateModelsClass : Task
{
    /// <summary>The jobs of <see cref="PrepareDiffusionModels"/>.</summary>
    [Required]
    public ITaskItem[] Jobs { get; set; } = [];

    /// <summary>The project's folder, absolute.</summary>
    [Required]
    public string ProjectDirectory { get; set; } = "";

    /// <summary>Where to write the class, relative to the project or absolute.</summary>
    [Required]
    public string File { get; set; } = "";

    /// <summary>Namespace of the class; may be empty.</summary>
    public string? RootNamespace { get; set; }

    /// <summary>Whether there is a run-time library for the project's framework.</summary>
    public bool HasLibrary { get; set; }

    /// <summary>What the project is compiled with; empty where that is not known.</summary>
    public ITaskItem[] References { get; set; } = [];

    /// <summary>Whether to say nothing.</summary>
    public bool IsSilent { get; set; }

    /// <inheritdoc />
    public override bool Execute()
    {
        var models = Jobs.Select(item => ModelJob.Of(item, ProjectDirectory).Model).ToList();
        var isReferenced =
            References.Length == 0
            || References.Any(reference => Path.GetFileNameWithoutExtension(reference.ItemSpec) == ModelsClass.Library);
        if (HasLibrary && !isReferenced && !IsSilent && models.Count > 0)
        {
            Log.Warning(BuildDiagnostics.LibraryNotReferenced(ModelsClass.Library), models[0].Locate());
        }

        var source = ModelsClass.Source(models, RootNamespace ?? "", HasLibrary && isReferenced);
        AtomicFile.WriteIfDifferent(Path.GetFullPath(Path.Combine(ProjectDirectory, File)), source);
        return true;
    }
}
