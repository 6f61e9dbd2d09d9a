using DiffusionQuant.Engine;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Methods;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Tests.Generality;
using DiffusionQuant.Quantization.Training;

namespace DiffusionQuant.Quantization.Tests;

/// <summary>A recipe's number of threads: none but those work, and no result depends on it.</summary>
public sealed class ThreadsTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("diffusionquant-tests-");

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_recipes_threads_hold_where_loops_nest(int threads)
    {
        var ranges = new CountingRange();
        IQuantizationPass[] passes =
        [
            .. MethodCatalog.Find("mse").Passes.Select(p => p is SearchRanges ? new SearchRanges(ranges, ranges) : p),
        ];
        var recipe = new Recipe(BitWidths.Parse("W4A8"))
        {
            CalibrationSamples = 8,
            Steps = 4,
            Device = "cpu",
            Threads = threads,
        };
        var source = QuantizedModel.Write(
            folder.CreateSubdirectory("source").FullName,
            DdpmUNet.Build(DdpmUNetSettings.Tiny)
        );
        Quantizer.Run(new(source, folder.CreateSubdirectory("out").FullName, recipe), passes, null, out _);
        Assert.Equal(threads, ranges.Most);
    }

    /// <summary>Numbers are of all sizes, so that every other order of a sum would give another one.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void Arithmetic_gives_the_same_bits(int threads) => Assert.Equal(Bits(1), Bits(threads));

    private static byte[] Bits(int threads)
    {
        using var workers = Workers.Use(threads);
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        foreach (var (range, power) in new (IRangeEstimator, int)[] { (new MseRange(), 4), (new MinMaxRange(), 8) })
        {
            var weight = WeightQuantizer.Quantize(Values(1, 33 * 257), [33, 257], 0, power, range);
            writer.Write(weight.Codes.Span);
            Write(weight.ToFloats());
        }

        const int Size = 200;
        var inputs = Values(2, 400 * Size);
        var hessian = new double[Size * Size];
        for (var i = 0; i < hessian.Length; i++)
        {
            for (var n = 0; n < 400; n++)
            {
                hessian[i] += (double)inputs[(n * Size) + (i / Size)] * inputs[(n * Size) + (i % Size)];
            }
        }

        var codes = new byte[Size];
        new GptqSolver(hessian, Size).Round(Values(3, Size), UniformQuantizer.OfRange(-3, 3, 3), codes);
        writer.Write(codes);

        var factors = LowRankFactors.Best(Values(4, 60 * 130), 60, 130, 8, new Random(1));
        Write(factors.A);
        Write(factors.B);
        Write(LowRankFactors.Merge(Values(5, 60 * 130), 8, factors.A, factors.B));

        float[][] features = [.. Enumerable.Range(0, 150).Select(i => Values(100 + i, 31))];
        Array.ForEach(RepresentativeSamples.Select(features, 40), writer.Write);
        writer.Flush();
        return stream.ToArray();

        void Write(IEnumerable<float> values)
        {
            foreach (var value in values)
            {
                writer.Write(value);
            }
        }
    }

    private static float[] Values(int seed, int count)
    {
        var random = new Random(seed);
        return
        [
            .. Enumerable
                .Range(0, count)
                .Select(_ => (float)((random.NextDouble() - 0.5) * Math.Exp(6 * random.NextDouble()))),
        ];
    }

    /// <summary>Sees how many threads search ranges at once.</summary>
    private sealed class CountingRange : IRangeEstimator
    {
        private readonly MinMaxRange range = new();
        private int working;
        private int most;

        public string Name => "counting";

        public int Most => most;

        public UniformQuantizer Estimate(IDistribution values, int bits, Symmetry symmetry)
        {
            var now = Interlocked.Increment(ref working);
            for (var seen = Volatile.Read(ref most); now > seen; )
            {
                seen = Interlocked.CompareExchange(ref most, now, seen);
            }

            // Long enough that the threads of a pool that may grow do grow.
            Thread.Sleep(1);
            Interlocked.Decrement(ref working);
            return range.Estimate(values, bits, symmetry);
        }
    }
}
