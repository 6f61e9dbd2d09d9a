namespace DiffusionQuant.Diffusion;

public sealed partial class NoiseSchedule
{
    // What diffusers takes for ᾱ where a rescaled schedule has no signal at all, so that σ stays finite.
    private const double LeastAlphaCumprod = 1.0 / (1 << 24);

    /// <summary>σ/α at every timestep, rising.</summary>
    private double[] Ratios =>
        [.. alphasCumprod.Select(a => Math.Max(a, LeastAlphaCumprod)).Select(a => Math.Sqrt((1 - a) / a))];

    internal override double TimestepOf(double sigma) => new RatioTable(Ratios).TimestepOf(sigma);

    internal override SigmaForm Form(bool isExploding) =>
        isExploding ? new ExplodingForm(Prediction) : new PreservingForm(Prediction);

    internal override SigmaGrid Grid(SamplerSettings settings, SigmaGridStyle style)
    {
        var options = Config.Solver;
        var table = new RatioTable(Ratios);
        var timesteps = Timesteps(settings, style, table);
        var steps = timesteps.Length;
        var sigmas = Array.ConvertAll(timesteps, table.RatioAt);
        if (style == SigmaGridStyle.Exploding && options.IsLogLinear)
        {
            // One more than steps: the run ends at the last of them.
            sigmas = SigmaSpacings.Exponential(table.Ratios[^1], table.Ratios[0], steps + 1);
        }

        if (options.Spacing != SigmaSpacing.Timesteps && settings.Timesteps is null)
        {
            double[] ends = style == SigmaGridStyle.Exploding ? sigmas : [table.Ratios[^1], table.Ratios[0]];
            sigmas = SigmaSpacings.Respace(options.Spacing, ends, steps, options);
            timesteps = Array.ConvertAll(sigmas, table.TimestepOf);
            if (style == SigmaGridStyle.Multistep && Config.BetaSchedule != BetaSchedule.SquaredCosine)
            {
                timesteps = Array.ConvertAll(timesteps, t => Math.Round(t, MidpointRounding.ToEven));
            }
        }

        if (style == SigmaGridStyle.Exploding && options.TellsLogSigma)
        {
            timesteps = [.. sigmas.Take(steps).Select(s => Math.Log(s) / 4)];
        }

        double[] all = sigmas.Length > steps ? sigmas : [.. sigmas, options.EndsAtLeastSigma ? table.Ratios[0] : 0];
        var spacing = settings.Spacing ?? Config.Spacing;
        var initial =
            style == SigmaGridStyle.Multistep ? 1
            : spacing == TimestepSpacing.Leading ? Math.Sqrt((all[0] * all[0]) + 1)
            : all[0];
        return new(all, timesteps, initial);
    }

    private double[] Timesteps(SamplerSettings settings, SigmaGridStyle style, RatioTable table)
    {
        if (settings.Timesteps is not null || settings.Quadratic)
        {
            return [.. settings.CreateGrid(this).Timesteps];
        }

        var steps = settings.StepsOr(Math.Min(SamplerSettings.UsualSteps, TrainTimesteps));
        TimestepGrid.CheckSteps(this, steps);
        var isMultistep = style == SigmaGridStyle.Multistep;
        var end = isMultistep ? table.TimestepsFrom(Config.Solver.LeastLambda) : TrainTimesteps;
        var points = isMultistep ? steps + 1 : steps;
        var stride = end / points;
        var kind = settings.Spacing ?? Config.Spacing;
        var result = new double[steps];
        for (var i = 0; i < steps; i++)
        {
            var back = points - 1 - i;
            result[i] = kind switch
            {
                TimestepSpacing.Leading => (back * stride) + Config.StepsOffset,
                TimestepSpacing.Linspace => points == 1 ? 0
                : isMultistep ? Math.Round(back * ((end - 1) / (double)(points - 1)), MidpointRounding.ToEven)
                : back * ((end - 1) / (double)(points - 1)),
                _ => Math.Round(end - (i * ((double)TrainTimesteps / steps)), MidpointRounding.ToEven) - 1,
            };
        }

        return result[0] < TrainTimesteps && result[^1] >= 0
            ? result
            : throw DiffusionErrors.BadTimesteps(
                $"{steps} steps with a steps_offset of {Config.StepsOffset} lead from {result[0]} to {result[^1]}, out of 0 to {TrainTimesteps - 1}"
            );
    }

    /// <summary>σ/α of a schedule's timesteps, and the way back.</summary>
    private sealed class RatioTable(double[] ratios)
    {
        private readonly double[] logarithms = Array.ConvertAll(ratios, r => Math.Log(Math.Max(r, 1e-10)));

        public double[] Ratios => ratios;

        /// <summary>σ/α at a real timestep, linear between neighbours, as diffusers has it.</summary>
        public double RatioAt(double timestep)
        {
            var below = Math.Clamp((int)timestep, 0, ratios.Length - 1);
            var above = Math.Min(below + 1, ratios.Length - 1);
            return ratios[below] + ((timestep - below) * (ratios[above] - ratios[below]));
        }

        /// <summary>The real timestep of a σ/α, linear in the logarithm; the nearest end outside.</summary>
        public double TimestepOf(double ratio)
        {
            if (ratios.Length == 1)
            {
                return 0;
            }

            var logarithm = Math.Log(Math.Max(ratio, 1e-10));
            var found = Array.BinarySearch(logarithms, logarithm);
            var below = Math.Clamp(found >= 0 ? found : ~found - 1, 0, ratios.Length - 2);
            var share = (logarithm - logarithms[below]) / (logarithms[below + 1] - logarithms[below]);
            return below + Math.Clamp(share, 0, 1);
        }

        /// <summary>How many timesteps, from 0 on, have a λ of at least that.</summary>
        public int TimestepsFrom(double lambda) => logarithms.Count(l => -l >= lambda);
    }
}
