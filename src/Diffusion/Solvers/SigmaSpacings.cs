namespace DiffusionQuant.Diffusion;

/// <summary>Ways to spread σ between two ends, the greater first.</summary>
internal static class SigmaSpacings
{
    // Karras et al. 2022, section 3; k-diffusion and diffusers take no other.
    private const double UsualRho = 7;
    private const double BetaShape = 0.6;

    /// <summary>Spreads anew what a grid or a schedule holds.</summary>
    /// <param name="spacing">How.</param>
    /// <param name="sigmas">Falling; the ends count.</param>
    /// <param name="steps">How many are wanted.</param>
    /// <param name="options">Ends in the place of the given ones.</param>
    public static double[] Respace(SigmaSpacing spacing, double[] sigmas, int steps, SolverOptions options)
    {
        var (greatest, least) = (options.GreatestSigma ?? sigmas[0], options.LeastSigma ?? sigmas[^1]);
        return spacing switch
        {
            SigmaSpacing.Karras => Karras(greatest, least, UsualRho, steps),
            SigmaSpacing.Exponential or SigmaSpacing.Lu => Exponential(greatest, least, steps),
            SigmaSpacing.Beta =>
            [
                .. Betas
                    .Linspace(0, 1, steps)
                    .Select(p => least + (BetaDistribution.Quantile(1 - p, BetaShape, BetaShape) * (greatest - least))),
            ],
            _ => sigmas,
        };
    }

    /// <summary>Karras et al. 2022, equation 5.</summary>
    public static double[] Karras(double greatest, double least, double rho, int steps) =>
        [.. Betas.Linspace(0, 1, steps).Select(share => Karras(greatest, least, rho, share))];

    /// <summary>The σ at a share of the way from the greatest to the least.</summary>
    public static double Karras(double greatest, double least, double rho, double share)
    {
        var from = Math.Pow(greatest, 1 / rho);
        return Math.Pow(from + (share * (Math.Pow(least, 1 / rho) - from)), rho);
    }

    /// <summary>Evenly in ln σ.</summary>
    public static double[] Exponential(double greatest, double least, int steps) =>
        Array.ConvertAll(Betas.Linspace(Math.Log(greatest), Math.Log(least), steps), Math.Exp);
}
