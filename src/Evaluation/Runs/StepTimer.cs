using System.Diagnostics;
using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>Times a step of two models in turns, so that what else the machine does slows down both.</summary>
internal static class StepTimer
{
    private const int Runs = 9;

    public static StepTimes Measure(EvaluationSetup setup, CancellationToken cancellation)
    {
        using var exact = setup.LoadFloat();
        using var model = setup.LoadModel();
        var images = Enumerable.Range(0, setup.Header.BatchSize).ToArray();
        // The first step of a trajectory is a call with all inputs that the model needs; it also warms the model up.
        var call = exact.Steps(images, cancellation).First().Call;
        model.Denoiser.Predict(call, cancellation);
        var (exactTimes, modelTimes) = (new double[Runs], new double[Runs]);
        for (var run = 0; run < Runs; run++)
        {
            exactTimes[run] = Time(exact.Denoiser);
            modelTimes[run] = Time(model.Denoiser);
        }

        return new(Median(exactTimes), Median(modelTimes), images.Length, Runs, setup.Threads);

        double Time(IDenoiser denoiser)
        {
            var start = Stopwatch.GetTimestamp();
            denoiser.Predict(call, cancellation);
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
    }

    private static double Median(double[] times) => times.Order().ElementAt(times.Length / 2);
}
