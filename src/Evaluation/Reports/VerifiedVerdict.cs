namespace DiffusionQuant.Evaluation.Reports;

/// <summary>How a measured value stands to the verified one.</summary>
public enum VerifiedVerdict
{
    /// <summary>Within the tolerance.</summary>
    Within,

    /// <summary>Significantly better, which is no failure.</summary>
    Better,

    /// <summary>Worse by more than the tolerance: a failure.</summary>
    Worse,

    /// <summary>Not compared: the metric was not measured, or depends on the machine.</summary>
    NotCompared,
}
