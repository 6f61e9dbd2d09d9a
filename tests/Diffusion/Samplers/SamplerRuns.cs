namespace DiffusionQuant.Diffusion.Tests.Samplers;

internal static class SamplerRuns
{
    /// <summary>Runs a sampler without noise from x with a network given as a function of x and t.</summary>
    public static List<float[]> Run(ISampler sampler, TimestepGrid grid, float[] x, Func<float, double, float> network)
    {
        var trace = new List<float[]>();
        foreach (var pair in grid)
        {
            var output = Array.ConvertAll(x, value => network(value, pair.Timestep));
            var clean = new float[x.Length];
            var next = new float[x.Length];
            sampler.Step(pair, x, output, new float[x.Length], clean, next);
            trace.Add(x = next);
        }

        return trace;
    }

    /// <summary>One step of some numbers.</summary>
    public static (float[] CleanSample, float[] Next) Step(
        ISampler sampler,
        TimestepPair pair,
        float[] x,
        float[] output,
        float[] noise
    )
    {
        var clean = new float[x.Length];
        var next = new float[x.Length];
        sampler.Step(pair, x, output, noise, clean, next);
        return (clean, next);
    }
}
