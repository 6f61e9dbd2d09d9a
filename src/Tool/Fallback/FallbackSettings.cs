using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Snapshots;

namespace DiffusionQuant.Tool.Fallback;

/// <summary>When layers get more bits, and how that is judged.</summary>
/// <param name="Limits">What must hold.</param>
/// <param name="Measurement">How a model is measured; each trial puts its own path in.</param>
internal sealed record FallbackSettings(QualityLimits Limits, EvaluationRequest Measurement);
