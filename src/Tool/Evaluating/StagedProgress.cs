using DiffusionQuant.Evaluation;
using DiffusionQuant.Tool.Progress;

namespace DiffusionQuant.Tool.Evaluating;

/// <summary>Passes one stage's progress on as its share of the whole.</summary>
internal sealed class StagedProgress(ProgressHub hub, double start, double share) : IProgress<EvaluationProgress>
{
    public void Report(EvaluationProgress value) =>
        hub.Report(value.Stage, start + (share * value.Fraction), value.Detail);
}
