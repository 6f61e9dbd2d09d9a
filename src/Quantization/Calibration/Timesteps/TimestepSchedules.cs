using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Calibration.Timesteps;

/// <summary>The schedule of each law.</summary>
internal static class TimestepSchedules
{
    public static ITimestepSchedule Of(Recipe recipe, TimestepLaw law)
    {
        var noise = new NoiseSource(unchecked((ulong)recipe.Seed));
        return law switch
        {
            TimestepLaw.EveryK => new EvenlySpacedSteps(),
            TimestepLaw.Uniform => new UniformSteps(noise),
            TimestepLaw.Normal => new NormalSteps(
                noise,
                recipe.TimestepMean ?? NormalSteps.UsualMean,
                recipe.TimestepDeviation ?? NormalSteps.UsualDeviation
            ),
            TimestepLaw.NormalPtq4dm => new NormalSteps(
                noise,
                recipe.TimestepMean ?? NormalSteps.UsualMean,
                recipe.TimestepDeviation
            ),
            TimestepLaw.Quadratic => new QuadraticSteps(noise),
            _ => throw new ArgumentOutOfRangeException(nameof(law), law, null),
        };
    }
}
