namespace DiffusionQuant.Quantization.Plan;

/// <summary>
/// A value that the graph normalizes before it is rounded, (x − μ)/σ·γ + β: training takes μ and σ of each batch, and what is
/// deployed takes their running averages, as two constants (TaQ of Q-DM).
/// </summary>
/// <param name="ScaleConstant">The name of the constant γ/σ.</param>
/// <param name="ShiftConstant">The name of the constant β − μ·γ/σ.</param>
/// <param name="Mean">μ, the running average.</param>
/// <param name="Deviation">σ, the running average; positive.</param>
/// <param name="Gain">γ.</param>
/// <param name="Offset">β.</param>
public sealed record NormalizedValue(
    string ScaleConstant,
    string ShiftConstant,
    float Mean,
    float Deviation,
    float Gain,
    float Offset
)
{
    /// <summary>What the value is multiplied by.</summary>
    public float Scale => Gain / Deviation;

    /// <summary>What is then added.</summary>
    public float Shift => Offset - (Mean * Scale);
}
