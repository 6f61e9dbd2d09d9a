using DiffusionQuant.Build.Diagnostics;
using DiffusionQuant.Build.Files;
using DiffusionQuant.Build.Generation;
using DiffusionQuant.Build.Models;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace DiffusionQuant.Build;

/// <summary>
/// Reads a project's <c>DiffusionModel</c> items: checks them, keeps their <c>.inputs</c> files up to date, and writes the
/// generated class. In a build that does not quantize it reports nothing and touches nothing but the class.
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

    /// <summary>Where to write the generated class; empty for none.</summary>
    public string? ModelsClassFile { get; set; }

    /// <summary>Namespace of the generated class; may be empty.</summary>
    public string? RootNamespace { get; set; }

    /// <summary>Whether the project's framework has the run-time library.</summary>
    public bool CanLoad { get; set; }

    /// <summary>One item per usable model, with the paths of its files as metadata.</summary>
    [Output]
    public ITaskItem[] Jobs { get; private set; } = [];

    /// <summary>Those of the jobs whose results this build evaluates.</summary>
    [Output]
    public ITaskItem[] Evaluations { get; private set; } = [];

    /// <summary>The generated source file, if there is one.</summary>
    [Output]
    public ITaskItem[] GeneratedFiles { get; private set; } = [];

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
        if (!string.IsNullOrEmpty(ModelsClassFile))
        {
            var file = Absolute(ModelsClassFile!);
            AtomicFile.WriteIfDifferent(file, ModelsClass.Source(models, RootNamespace ?? "", CanLoad));
            GeneratedFiles = [Items.OfPath(file)];
        }

        return true;
    }

    private IEnumerable<Diagnostic> PropertyProblems(EvaluationSettings settings) =>
        Stages.Contains(Stage) ? settings.Problems() : [BuildDiagnostics.StageUnknown(Stage), .. settings.Problems()];

    private List<ModelItem> UsableModels()
    {
        var usable = new List<ModelItem>();
        foreach (var model in Models.Select(item => new ModelItem(item, ProjectDirectory)))
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
        if (!Quantizes)
        {
            if (AtomicFile.Read(job.Paths.Inputs) is { } former && former != key)
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

        return true;
    }

    private string Absolute(string path) => Path.GetFullPath(Path.Combine(ProjectDirectory, path));
}
