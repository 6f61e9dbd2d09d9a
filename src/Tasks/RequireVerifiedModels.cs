using DiffusionQuant.Build.Models;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace DiffusionQuant.Build;

/// <summary>
/// Ends a build in which a model was evaluated and is not good enough. It adds no message: each model has got its own, and
/// a target that stopped at the first of them would have kept the others from being evaluated.
/// </summary>
[MSBuildMultiThreadableTask]
public sealed class RequireVerifiedModels : Task
{
    /// <summary>The jobs that <see cref="PrepareDiffusionModels"/> wants evaluated.</summary>
    [Required]
    public ITaskItem[] Jobs { get; set; } = [];

    /// <summary>The project's folder, absolute.</summary>
    [Required]
    public string ProjectDirectory { get; set; } = "";

    /// <inheritdoc />
    public override bool Execute()
    {
        // MSBuild would call this a fault of the task.
        BuildEngine7.AllowFailureWithoutError = true;
        return Jobs.All(job => File.Exists(ModelJob.Of(job, ProjectDirectory).Paths.VerifyStamp));
    }
}
