using System.Diagnostics;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;

namespace DiffusionQuant.Benchmarks;

/// <summary>How much of ONNX Runtime's own speed generation keeps: the time of as many bare calls over its time.</summary>
internal static class GenerationLoop
{
    private const int Rounds = 7;

    public static double Efficiency(string model, int batch, int steps)
    {
        using var pipeline = DiffusionPipeline.Load(model);
        var denoiser = (OnnxDenoiser)pipeline.Denoiser;
        var shape = denoiser.Contract.SampleShape;
        using var sample = Tensors.Of(
            new float[batch * shape.Length],
            batch,
            shape.Channels,
            shape.Height,
            shape.Width
        );
        using var timestep = Tensors.Of(Enumerable.Repeat(500L, batch).ToArray(), batch);
        var inputs = denoiser.Contract.Inputs.ToDictionary(
            i => i.Name,
            i => i.Role == DenoiserRole.Sample ? sample : timestep
        );
        Generate();
        var bare = new double[Rounds];
        var generated = new double[Rounds];
        for (var round = 0; round < Rounds; round++)
        {
            bare[round] = Time(Bare);
            generated[round] = Time(Generate);
        }

        return Median(bare) / Median(generated);

        void Generate() => pipeline.Generate(batch, options: new() { BatchSize = batch }, steps: steps);

        void Bare()
        {
            for (var step = 0; step < steps; step++)
            {
                denoiser.Session.Run(inputs).Dispose();
            }
        }
    }

    private static double Time(Action work)
    {
        var start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static double Median(double[] times) => times.Order().ElementAt(times.Length / 2);
}
