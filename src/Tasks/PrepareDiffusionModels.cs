using DiffusionQuant.Build.Diagnostics;
using DiffusionQuant.Build.Files;
using DiffusionQuant.Build.Models;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace DiffusionQuant.Build;

/// <summary>
/// Reads a project's <c>DiffusionModel</c> items: checks them, keeps their <c>.inputs</c> files up to date, and takes away the
/// stamps of those whose files changed. In a build that does not quantize it reports nothing and touches nothing.
/// </summary>
[MSBuildMultiThreadableTask]
public sealed class PrepareDiffusionModels : Task
{
    private static readonly string[] Stages = ["build", "publish", "none"];

    /// <summary>The project's items.</summary>
    [Required]
    public ITaskItem[] Models { get; set; } = [];

    /// <summary>The project's folder, absolute.</summary>
    [Required]
    public string ProjectDirectory { get; set; } = "";

    /// <summary>The project file, absolute.</summary>
    [Required]
    public string ProjectFile { get; set; } = "";

    /// <summary>Where the models' folders are kept, relative to the project or absolute.</summary>
    [Required]
    public string IntermediateFolder { get; set; } = "";

    /// <summary>The content-addressed cache, relative to the project or absolute; empty for the tool's default.</summary>
    public string? CacheDirectory { get; set; }

    /// <summary>Path of <c>diffquant.dll</c>.</summary>
    [Required]
    public string ToolPath { get; set; } = "";

    /// <summary>Native CUDA libraries for the tool, or empty.</summary>
    public string? CudaNativePath { get; set; }

    /// <summary>The value of <c>DiffusionQuantizeStage</c>.</summary>
    public string Stage { get; set; } = "build";

    /// <summary>Whether this build quantizes; if not, it attaches what exists and never fails.</summary>
    public bool Quantizes { get; set; }

    /// <summary>Whether to quantize even what is up to date.</summary>
    public bool Force { get; set; }

    /// <summary>The value of <c>DiffusionEvaluate</c>.</summary>
    public string? Evaluate { get; set; }

    /// <summary>The value of <c>DiffusionVerify</c>.</summary>
    public string? Verify { get; set; }

    /// <summary>The value of <c>DiffusionEvaluationImages</c>.</summary>
    public string? EvaluationImages { get; set; }

    /// <summary>The value of <c>DiffusionPairedImages</c>.</summary>
    public string? PairedImages { get; set; }

    /// <summary>The folder below the output folder that the models' folders lie in, where their items name no other.</summary>
    [Required]
    public string ModelsFolder { get; set; } = "";

    /// <summary>One item per usable model, with the paths of its files as metadata.</summary>
    [Output]
    public ITaskItem[] Jobs { get; private set; } = [];

    /// <summary>Those of the jobs whose results this build evaluates.</summary>
    [Output]
    public ITaskItem[] Evaluations { get; private set; } = [];

    /// <summary>The files that the jobs' results were made from when they were last made.</summary>
    [Output]
    public ITaskItem[] InputFiles { get; private set; } = [];

    /// <inheritdoc />
    public override bool Execute()
    {
        var settings = new EvaluationSettings(Evaluate, Verify, EvaluationImages, PairedImages);
        foreach (var problem in Quantizes ? PropertyProblems(settings) : [])
        {
            Log.Error(problem, SourceLocation.OfFile(ProjectFile));
        }

        var models = UsableModels();
        if (Log.HasLoggedErrors)
        {
            return false;
        }

        var jobs = models.Select(model => Job(model, Absolute(IntermediateFolder))).ToList();
        Jobs = jobs.Select(job => job.ToItem()).ToArray();
        Evaluations = jobs.Where(job => Quantizes && PrepareEvaluation(job, settings))
            .Select(job => job.ToItem())
            .ToArray();
        InputFiles = jobs.SelectMany(job => new[] { job.Paths.InputFiles, job.Paths.VerifyInputFiles })
            .SelectMany(InputList.Read)
            .Select(input => input.Path)
            .Where(File.Exists)
            .Distinct()
            .Select(Items.OfPath)
            .ToArray();
        return true;
    }

    private IEnumerable<Diagnostic> PropertyProblems(EvaluationSettings settings) =>
        Stages.Contains(Stage) ? settings.Problems() : [BuildDiagnostics.StageUnknown(Stage), .. settings.Problems()];

    private List<ModelItem> UsableModels()
    {
        var usable = new List<ModelItem>();
        foreach (var model in Models.Select(item => new ModelItem(item, ProjectDirectory, ModelsFolder)))
        {
            var problems = ModelCheck.Item(model).ToList();
            if (ModelCheck.Collision(model, usable) is { } collision)
            {
                problems.Add(collision);
                Report(model, problems);
                continue;
            }

            Report(model, problems);
            usable.Add(model);
        }

        return usable;
    }

    private void Report(ModelItem model, List<(Diagnostic Problem, string? Metadata)> problems)
    {
        foreach (var (problem, metadata) in Quantizes ? problems : [])
        {
            Log.Error(problem, model.Locate(metadata));
        }
    }

    private ModelJob Job(ModelItem model, string intermediateFolder)
    {
        var job = new ModelJob(model, intermediateFolder);
        var key = FreshnessKey.OfModel(model, Absolute(ToolPath), CacheDirectory, CudaNativePath);
        var changed = InputList.FindChanged(job.Paths.InputFiles);
        if (!Quantizes)
        {
            if (AtomicFile.Read(job.Paths.Inputs) is { } former && (former != key || changed is not null))
            {
                Log.LogMessage(
                    MessageImportance.Normal,
                    "{0}: attached as last quantized, although options or files changed since: this build does not quantize.",
                    model.Include
                );
            }

            return job;
        }

        AtomicFile.WriteIfDifferent(job.Paths.Inputs, key);
        if (Force || job.Paths.ArtifactFiles() is var files && (files.Count == 0 || !files.All(File.Exists)))
        {
            File.Delete(job.Paths.Stamp);
        }

        Outdate(job.Paths.Stamp, changed, model);
        return job;
    }

    /// <summary>Keeps the inputs of a model's evaluation up to date; false where this build does not evaluate it.</summary>
    private bool PrepareEvaluation(ModelJob job, EvaluationSettings settings)
    {
        var evaluation = new ModelEvaluation(job.Model, settings);
        if (!evaluation.IsWanted)
        {
            return false;
        }

        var tool = Absolute(ToolPath);
        var key = FreshnessKey.OfEvaluation(job.Model, evaluation, tool, CacheDirectory, CudaNativePath);
        AtomicFile.WriteIfDifferent(job.Paths.VerifyInputs, key);
        if (!job.Paths.EvaluationFiles().All(File.Exists))
        {
            File.Delete(job.Paths.VerifyStamp);
        }

        Outdate(job.Paths.VerifyStamp, InputList.FindChanged(job.Paths.VerifyInputFiles), job.Model);
        return true;
    }

    /// <summary>Takes away a stamp that is older than a change of the files, which MSBuild does not compare by itself: it would
    /// not see one that went away, nor one that was replaced by an older one.</summary>
    private void Outdate(string stamp, string? changed, ModelItem model)
    {
        if (changed is not null && File.Exists(stamp))
        {
            Log.LogMessage(
                MessageImportance.Normal,
                "{0}: '{1}' changed since the last build.",
                model.Include,
                changed
            );
            File.Delete(stamp);
        }
    }

    private string Absolute(string path) => Path.GetFullPath(Path.Combine(ProjectDirectory, path));
}
