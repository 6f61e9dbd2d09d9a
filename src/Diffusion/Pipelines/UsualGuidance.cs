namespace DiffusionQuant.Diffusion;

/// <summary>The scale of guidance that a family's pipeline takes where nobody says one.</summary>
internal static class UsualGuidance
{
    public static double Of(DenoiserContract contract, NoisePath path)
    {
        bool Has(DenoiserRole role) => contract.Inputs.Any(i => i.Role == role);
        return Has(DenoiserRole.Guidance) ? 3.5
            : Has(DenoiserRole.TimestepCondition) ? 8.5
            // Distilled models have guidance in them.
            : SolverKind.OfClass(path.Config.ClassName)?.IsDistilled == true ? 1
            : contract.Packing is not null ? 1
            : path.Config.Path == NoisePathKind.Flow ? 7
            : Has(DenoiserRole.TimeIds) ? 5
            : Has(DenoiserRole.Mask) ? 4.5
            : 7.5;
    }
}
