namespace DiffusionQuant.Diffusion;

/// <summary>A solver that steps over σ.</summary>
internal abstract class SigmaSolver : Solver
{
    private readonly SchedulerConfig clipping;

    /// <summary>Lays it out.</summary>
    /// <param name="path">The forward process.</param>
    /// <param name="settings">The number of steps, and what is clipped.</param>
    /// <param name="style">How its family spreads steps.</param>
    /// <param name="clips">Whether the family clips estimates of x0 where a configuration says so.</param>
    /// <param name="thresholds">Likewise of dynamic thresholding.</param>
    protected SigmaSolver(
        NoisePath path,
        SamplerSettings settings,
        SigmaGridStyle style,
        bool clips = false,
        bool thresholds = false
    )
        : this(path, settings, path.Grid(settings, style), style, clips, thresholds, grid => grid.Timesteps) { }

    /// <summary>Lays out one that calls the network more than once a step.</summary>
    protected SigmaSolver(
        NoisePath path,
        SamplerSettings settings,
        SigmaGrid grid,
        SigmaGridStyle style,
        bool clips,
        bool thresholds,
        Func<SigmaGrid, IReadOnlyList<double>> calls
    )
        : base(calls(grid), grid.InitialScale)
    {
        Sigmas = grid.Sigmas;
        Options = path.Config.Solver;
        Form = path.Form(isExploding: style == SigmaGridStyle.Exploding);
        // Configurations keep keys of other classes.
        clipping = path.Config with
        {
            ClipRange = clips || settings.ClipSample == true ? path.Config.ClipRange : null,
            Thresholding = thresholds ? path.Config.Thresholding : null,
        };
    }

    /// <summary>σ of each step, and behind them the one that the last goes to.</summary>
    public IReadOnlyList<double> Sigmas { get; }

    /// <summary>What the configuration says of the solver.</summary>
    public SolverOptions Options { get; }

    private SigmaForm Form { get; }

    public override double InputScale(int call) => Form.InputScale(SigmaOf(call));

    public override NoiseLevel LevelAt(int call) => Form.At(SigmaOf(call));

    /// <summary>σ at which a call's sample is; behind the last call, the one that is reached.</summary>
    public virtual double SigmaOf(int call) => Sigmas[call];

    /// <summary>Estimates x0.</summary>
    public void Estimate(int call, ReadOnlySpan<float> sample, ReadOnlySpan<float> output, Span<float> clean) =>
        CleanSample.Estimate(Form.Estimate(SigmaOf(call)), clipping, sample, output, clean);

    /// <summary>Estimates x0, and gives what the solver integrates: that, or the noise it stands for.</summary>
    public void EstimateIntegrated(
        bool isCleanSample,
        int call,
        ReadOnlySpan<float> sample,
        ReadOnlySpan<float> output,
        Span<float> clean,
        Span<float> integrated
    )
    {
        Estimate(call, sample, output, clean);
        if (isCleanSample)
        {
            clean.CopyTo(integrated);
            return;
        }

        var coefficients = Form.Estimate(SigmaOf(call));
        var (alpha, sigma) = LevelAt(call);
        var isClipped = clipping.Thresholding is not null || clipping.ClipRange is not null;
        for (var i = 0; i < sample.Length; i++)
        {
            integrated[i] = (float)(
                isClipped
                    ? (sample[i] - (alpha * clean[i])) / sigma
                    : (coefficients.NoiseFromSample * sample[i]) + (coefficients.NoiseFromOutput * output[i])
            );
        }
    }
}
