using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Benchmarks;

/// <summary>
/// What two processors make of the same files: the float network's predictions, the quantized file, its predictions and
/// pictures. One writes, the other compares.
/// </summary>
internal static class KernelsBenchmark
{
    public static int Run(string[] options)
    {
        string Option(string name, string fallback) => BenchmarkOptions.Option(options, name, fallback);
        int Number(string name, string fallback) => int.Parse(Option(name, fallback), CultureInfo.InvariantCulture);
        var model = Option("--model", QualityBenchmark.SampleModel());
        var (images, steps) = (Number("--images", "2"), Number("--steps", "5"));
        var recipe = new Recipe(BitWidths.Parse(Option("--bits", "W8A8")))
        {
            Method = Option("--method", "minmax"),
            Steps = steps,
            CalibrationSamples = 4 * steps,
            Device = "cpu",
            Threads = 1,
        };
        Console.WriteLine(
            $"AVX2 {Avx2.IsSupported}, AVX-512 {Avx512F.IsSupported}, VNNI (256 bits) {AvxVnni.IsSupported}; {recipe.Bits} {recipe.Method}, {images} images, {steps} steps"
        );
        if (Option("--write", "") is { Length: > 0 } target)
        {
            Directory.CreateDirectory(target);
            Quantizer.Run(new(model, target, recipe));
            Write(Path.Combine(target, "float.bin"), Predictions(model, images));
            Write(Path.Combine(target, "float-pictures.bin"), Pictures(model, model, images, steps));
            Write(Path.Combine(target, "predictions.bin"), Predictions(target, images));
            Write(Path.Combine(target, "pictures.bin"), Pictures(target, model, images, steps));
            return 0;
        }

        var source = Option("--compare", "");
        Compare("float predictions", Path.Combine(source, "float.bin"), Predictions(model, images));
        Compare("float pictures", Path.Combine(source, "float-pictures.bin"), Pictures(model, model, images, steps));
        Compare("quantized predictions", Path.Combine(source, "predictions.bin"), Predictions(source, images));
        Compare("quantized pictures", Path.Combine(source, "pictures.bin"), Pictures(source, model, images, steps));
        var made = Directory.CreateTempSubdirectory("diffusionquant-kernels-");
        try
        {
            Quantizer.Run(new(model, made.FullName, recipe));
            var same = File.ReadAllBytes(Path.Combine(made.FullName, Quantizer.ModelFileName))
                .AsSpan()
                .SequenceEqual(File.ReadAllBytes(Path.Combine(source, Quantizer.ModelFileName)));
            Console.WriteLine($"quantized here: {(same ? "the same file" : "another file")}");
        }
        finally
        {
            made.Delete(recursive: true);
        }

        return 0;
    }

    /// <summary>What a network predicts of noise at a few timesteps.</summary>
    private static float[] Predictions(string path, int images)
    {
        var model = DiffusionModel.Load(path);
        using var session = model.LoadSession(new() { Threads = 1 });
        using var denoiser = new OnnxDenoiser(session, model.Contract);
        var x = new float[images * model.SampleShape.Length];
        new NoiseSource(1).FillNormal(NoisePurpose.Initial, 0, 0, x);
        return
        [
            .. new[] { 900, 500, 100 }.SelectMany(t =>
                denoiser.Predict(
                    new()
                    {
                        Count = images,
                        Samples = x,
                        Timesteps = [.. Enumerable.Repeat(t, images)],
                    },
                    CancellationToken.None
                )
            ),
        ];
    }

    /// <summary>Pictures, 0 to 1, of the float model's schedule.</summary>
    private static float[] Pictures(string path, string source, int images, int steps)
    {
        var model = DiffusionModel.Load(path, new() { Schedule = DiffusionModel.Load(source).Schedule });
        using var pipeline = DiffusionPipeline.Load(model, new() { Session = new() { Threads = 1 } });
        return [.. pipeline.Generate(images, seed: 1, steps).SelectMany(i => i.ToBytes()).Select(b => b / 255f)];
    }

    private static void Compare(string what, string path, float[] here)
    {
        var there = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(path)).ToArray();
        double squares = 0,
            signal = 0,
            largest = 0;
        for (var i = 0; i < here.Length; i++)
        {
            var error = Math.Abs((double)here[i] - there[i]);
            squares += error * error;
            signal += (double)there[i] * there[i];
            largest = Math.Max(largest, error);
        }

        var relative = Math.Sqrt(squares / signal);
        var peak = squares == 0 ? double.PositiveInfinity : -10 * Math.Log10(squares / here.Length);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{what}: relative error {relative:E1} (root of mean squares), largest difference {largest:E1}{(what.EndsWith("pictures", StringComparison.Ordinal) ? $", PSNR {peak:F1} dB" : "")}"
            )
        );
    }

    private static void Write(string path, float[] values) =>
        File.WriteAllBytes(path, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
}
