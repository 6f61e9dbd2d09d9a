using DiffusionQuant.Build.Diagnostics;
using DiffusionQuant.Build.Files;
using DiffusionQuant.Build.Models;
using DiffusionQuant.Build.Tool;
using Microsoft.Build.Framework;

namespace DiffusionQuant.Build;

/// <summary>
/// Evaluates one quantized model with <c>diffquant verify</c>: its metrics, the report, and whether it is as good as its
/// verified snapshot and the item's limits want it.
/// </summary>
[MSBuildMultiThreadableTask]
public sealed class VerifyDiffusionModel : DiffusionToolTask
{
    /// <summary>The value of <c>DiffusionVerify</c>.</summary>
    public string? Verify { get; set; }

    /// <summary>The value of <c>DiffusionEvaluationImages</c>.</summary>
    public string? EvaluationImages { get; set; }

    /// <summary>The value of <c>DiffusionPairedImages</c>.</summary>
    public string? PairedImages { get; set; }

    private protected override string Work => "evaluating";

    private protected override string InputFiles => Paths.VerifyInputFiles;

    private protected override void Forget()
    {
        File.Delete(Paths.VerifyStamp);
        // What is there afterwards is then of this run. The tool's own working files stay: a killed evaluation goes on from them.
        if (Directory.Exists(Paths.Evaluation))
        {
            File.Delete(Paths.Metrics);
            File.Delete(Paths.Report);
        }
    }

    private protected override IEnumerable<string> Arguments(string? cacheDirectory)
    {
        // Whether to evaluate at all has been decided when this task runs.
        var settings = new EvaluationSettings(evaluate: null, Verify, EvaluationImages, PairedImages);
        return ToolArguments.Verify(Model, new ModelEvaluation(Model, settings), Paths, cacheDirectory);
    }

    private protected override void Ended()
    {
        // Also, and above all, where the model is not good enough: the report shows why.
        if (File.Exists(Paths.Report))
        {
            Log.LogMessage(MessageImportance.High, "{0}: quality report: {1}", Model.Include, Paths.Report);
        }
    }

    private protected override bool Record()
    {
        if (new[] { Paths.Metrics, InputFiles }.FirstOrDefault(file => !File.Exists(file)) is { } missing)
        {
            Log.Error(BuildDiagnostics.EvaluationMissing(Model.Include, Path.GetFileName(missing)), Model.Locate());
            return false;
        }

        FileList.Write(Paths.VerifyStamp, Paths.Evaluation);
        return true;
    }
}
