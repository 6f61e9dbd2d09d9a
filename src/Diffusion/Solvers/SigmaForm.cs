namespace DiffusionQuant.Diffusion;

/// <summary>How a sample and the network's input and output are related at a σ.</summary>
internal abstract class SigmaForm
{
    /// <summary>What a sample is multiplied by to become the network's input.</summary>
    public virtual double InputScale(double sigma) => 1;

    /// <summary>The sample's signal and noise.</summary>
    public abstract NoiseLevel At(double sigma);

    /// <summary>The estimates of x0 and ε from sample and output.</summary>
    public abstract CleanSample.Coefficients Estimate(double sigma);
}

/// <summary>A preserved variance: α = 1/√(σ² + 1), with σ the ratio of noise to signal.</summary>
internal sealed class PreservingForm(PredictionType prediction) : SigmaForm
{
    public override NoiseLevel At(double sigma)
    {
        var alpha = 1 / Math.Sqrt((sigma * sigma) + 1);
        return new(alpha, alpha * sigma);
    }

    public override CleanSample.Coefficients Estimate(double sigma) => CleanSample.At(prediction, At(sigma));
}

/// <summary>The same path with samples x0 + σ·ε, which k-diffusion's solvers step over.</summary>
internal sealed class ExplodingForm(PredictionType prediction) : SigmaForm
{
    private readonly PreservingForm preserving = new(prediction);

    public override double InputScale(double sigma) => 1 / Math.Sqrt((sigma * sigma) + 1);

    public override NoiseLevel At(double sigma) => new(1, sigma);

    public override CleanSample.Coefficients Estimate(double sigma)
    {
        var (scale, inner) = (InputScale(sigma), preserving.Estimate(sigma));
        return inner with
        {
            X0FromSample = inner.X0FromSample * scale,
            NoiseFromSample = inner.NoiseFromSample * scale,
        };
    }
}

/// <summary>A straight line from noise to sample: the output is ε − x0.</summary>
internal sealed class FlowForm : SigmaForm
{
    public override NoiseLevel At(double sigma) => new(1 - sigma, sigma);

    public override CleanSample.Coefficients Estimate(double sigma) => new(1, -sigma, 1, 1 - sigma);
}

/// <summary>Karras et al. 2022, table 1, last column.</summary>
internal sealed class EdmForm(double data, bool isVelocity) : SigmaForm
{
    public override double InputScale(double sigma) => 1 / Math.Sqrt((sigma * sigma) + (data * data));

    public override NoiseLevel At(double sigma) => new(1, sigma);

    public override CleanSample.Coefficients Estimate(double sigma)
    {
        var skip = data * data / ((sigma * sigma) + (data * data));
        var output = (isVelocity ? -1 : 1) * sigma * data * InputScale(sigma);
        return new(skip, output, (1 - skip) / sigma, -output / sigma);
    }
}

/// <summary>A consistency model's estimate, which is the sample itself at the least σ (Song et al. 2023, appendix C).</summary>
internal sealed class ConsistencyForm(EdmOptions edm) : SigmaForm
{
    private readonly double data = edm.DataDeviation;

    public override double InputScale(double sigma) => 1 / Math.Sqrt((sigma * sigma) + (data * data));

    public override NoiseLevel At(double sigma) => new(1, sigma);

    public override CleanSample.Coefficients Estimate(double sigma)
    {
        var above = sigma - edm.Min;
        var skip = data * data / ((above * above) + (data * data));
        var output = above * data * InputScale(sigma);
        return new(skip, output, (1 - skip) / sigma, -output / sigma);
    }
}
