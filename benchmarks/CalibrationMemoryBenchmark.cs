using System.Diagnostics;
using DiffusionQuant.Quantization;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Benchmarks;

/// <summary>Shows that the memory of a calibration does not grow with its samples: each size runs in a process of its own.</summary>
internal static class CalibrationMemoryBenchmark
{
    private static readonly int[] Sizes = [64, 1024];

    public static int Run(string[] options)
    {
        if (options.Length > 0)
        {
            Console.Error.WriteLine($"calibration-memory takes no options; '{options[0]}' is not known.");
            return 1;
        }

        using var model = SyntheticModel.Create();
        var peaks = new List<double>();
        foreach (var samples in Sizes)
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
            foreach (var argument in (string[])["calibrate", model.Folder, $"{samples}"])
            {
                start.ArgumentList.Add(argument);
            }

            using var process = Process.Start(start)!;
            var peak = long.Parse(process.StandardOutput.ReadToEnd());
            process.WaitForExit();
            peaks.Add(peak);
            Console.WriteLine($"{samples} samples: peak {peak / 1e6:F0} MB");
        }

        Console.WriteLine($"calibration-memory ratio {peaks[1] / peaks[0]:F3}");
        return 0;
    }

    /// <summary>Quantizes in this process and prints its peak working set in bytes.</summary>
    public static int Calibrate(string model, int samples)
    {
        var output = Directory.CreateTempSubdirectory("diffquant-benchmark-").FullName;
        Quantizer.Run(new(model, output, new Recipe(BitWidths.Parse("W8A8")) { CalibrationSamples = samples }));
        Directory.Delete(output, recursive: true);
        Console.WriteLine(Process.GetCurrentProcess().PeakWorkingSet64);
        return 0;
    }
}
