namespace DiffusionQuant.Diffusion.Tests.Solvers;

internal static class SolverRuns
{
    /// <summary>Runs a solver without noise from x with a network given as a function of its input and t.</summary>
    public static List<float[]> Run(
        NoisePath path,
        SamplerSettings settings,
        float[] x,
        Func<float, double, float> network
    )
    {
        var trace = new List<float[]>();
        var solver = settings.CreateSolver(path);
        var run = solver.Start([.. x]);
        for (var call = 0; call < solver.Timesteps.Count; call++)
        {
            var output = Array.ConvertAll(
                run.Sample,
                value => network((float)(value * solver.InputScale(call)), solver.Timesteps[call])
            );
            run.Step(output, new float[x.Length], new float[x.Length]);
            trace.Add([.. run.Sample]);
        }

        return trace;
    }

    /// <summary>The first step of some numbers.</summary>
    public static (float[] CleanSample, float[] Next) Step(
        NoisePath path,
        SamplerSettings settings,
        float[] x,
        float[] output,
        float[] noise
    )
    {
        var clean = new float[x.Length];
        var run = settings.CreateSolver(path).Start([.. x]);
        run.Step(output, noise, clean);
        return (clean, run.Sample);
    }
}
