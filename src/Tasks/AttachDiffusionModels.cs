using DiffusionQuant.Build.Files;
using DiffusionQuant.Build.Generation;
using DiffusionQuant.Build.Models;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace DiffusionQuant.Build;

/// <summary>
/// Gives the build the files of the models, whether they were made just now or earlier: those beside the app, those in
/// the assembly, and all that a clean removes.
/// </summary>
[MSBuildMultiThreadableTask]
public sealed class AttachDiffusionModels : Task
{
    /// <summary>The jobs of <see cref="PrepareDiffusionModels"/>.</summary>
    [Required]
    public ITaskItem[] Jobs { get; set; } = [];

    /// <summary>The project's folder, absolute.</summary>
    [Required]
    public string ProjectDirectory { get; set; } = "";

    /// <summary>Files to copy to the output folder, with <c>TargetPath</c>.</summary>
    [Output]
    public ITaskItem[] Content { get; private set; } = [];

    /// <summary>Files to embed, with <c>LogicalName</c>.</summary>
    [Output]
    public ITaskItem[] Resources { get; private set; } = [];

    /// <summary>What the models' folders under <c>obj</c> hold.</summary>
    [Output]
    public ITaskItem[] FilesWritten { get; private set; } = [];

    /// <inheritdoc />
    public override bool Execute()
    {
        var content = new List<ITaskItem>();
        var resources = new List<ITaskItem>();
        var written = new List<ITaskItem>();
        foreach (var job in Jobs.Select(item => ModelJob.Of(item, ProjectDirectory)))
        {
            foreach (var file in job.Paths.ArtifactFiles().Where(File.Exists))
            {
                var name = file.Substring(job.Paths.Artifact.Length + 1).Replace('\\', '/');
                if (job.Model.Embed)
                {
                    resources.Add(Item(file, "LogicalName", $"{ModelsClass.ResourceName(job.Model)}/{name}"));
                }
                else
                {
                    content.Add(Item(file, "TargetPath", $"{job.Model.Link}/{name}"));
                }

                written.Add(Items.OfPath(file));
            }

            string[] records =
            [
                job.Paths.Inputs,
                job.Paths.InputFiles,
                job.Paths.Stamp,
                job.Paths.Outputs,
                job.Paths.Progress,
                job.Paths.VerifyInputs,
                job.Paths.VerifyInputFiles,
                job.Paths.VerifyStamp,
            ];
            written.AddRange(records.Select(Items.OfPath));
            written.AddRange(FileList.Under(job.Paths.Evaluation).Select(file => Items.OfPath(file.FullName)));
        }

        Content = [.. content];
        Resources = [.. resources];
        FilesWritten = [.. written];
        return true;
    }

    private static ITaskItem Item(string path, string metadata, string value)
    {
        var item = Items.OfPath(path);
        Items.Set(item, metadata, value);
        return item;
    }
}
