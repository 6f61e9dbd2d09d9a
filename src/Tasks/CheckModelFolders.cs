using DiffusionQuant.Build.Diagnostics;
using DiffusionQuant.Build.Files;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace DiffusionQuant.Build;

/// <summary>
/// Finds models of several projects that go to one folder of an app's output, where the last that is copied would silently
/// take the place of the others. One result that comes on several ways (of a library's two frameworks) is no harm.
/// </summary>
[MSBuildMultiThreadableTask]
public sealed class CheckModelFolders : Task
{
    /// <summary>Files that go to the output folder, with <c>TargetPath</c>.</summary>
    [Required]
    public ITaskItem[] Files { get; set; } = [];

    /// <summary>The project file, absolute.</summary>
    [Required]
    public string ProjectFile { get; set; } = "";

    /// <inheritdoc />
    public override bool Execute()
    {
        var shared = Files
            .Select(file => (Folder: FolderOf(file), Paths: ModelPaths.OfDescription(file.GetMetadata("FullPath"))))
            .Where(model => model.Paths is not null)
            .GroupBy(model => model.Folder, model => model.Paths!, StringComparer.OrdinalIgnoreCase);
        foreach (var folder in shared)
        {
            var sources = folder
                .GroupBy(paths => AtomicFile.Read(paths.Description))
                .Select(same => FreshnessKey.ModelOf(same.First().Inputs))
                .ToList();
            if (sources.Count > 1)
            {
                var problem = BuildDiagnostics.FolderShared(folder.Key, string.Join(", ", sources));
                Log.Error(problem, SourceLocation.OfFile(ProjectFile));
            }
        }

        return !Log.HasLoggedErrors;
    }

    private static string FolderOf(ITaskItem file) =>
        Path.GetDirectoryName(file.GetMetadata("TargetPath"))?.Replace('\\', '/') ?? "";
}
