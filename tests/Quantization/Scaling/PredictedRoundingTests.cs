using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Scaling;
using DiffusionQuant.Quantization.Tests.Calibration;

namespace DiffusionQuant.Quantization.Tests.Scaling;

/// <summary>Predicted errors of rounding against those of layers whose inputs and weights are rounded.</summary>
public class PredictedRoundingTests
{
    private const int Vectors = 256;

    // Where the largest of the values of a normal law lies that calibration sees, in deviations.
    private const float Reach = 4.5f;

    [Theory]
    [InlineData("W6A6", 1)]
    [InlineData("W4A4", 2)]
    [InlineData("W4A8", 3)]
    public void PredictionsFollowWhatRoundingCosts(string bits, int seed)
    {
        using var model = new LoadedModel(DdpmUNet.Build(ScaledGraphTests.Settings()));
        var state = ScaledGraphTests.Run(model, bits);
        var random = new Random(seed);
        var inputs = ScaledInput.Find(state).Where(i => i.HasWeights && i.Readers.Count == 1 && i.Channels >= 16);
        foreach (var input in inputs.Take(4))
        {
            float[] maxima = [.. Enumerable.Range(0, input.Channels).Select(_ => MathF.Exp(Normal(random) * 1.5f))];
            double[] powers = [0, 0.25, 0.5, 0.75, 1];
            float[][] candidates = [.. powers.Select(p => maxima.Select(m => (float)Math.Pow(m, p)).ToArray())];
            var predicted = candidates.Select(r => Decibels(PredictedRounding.Error(input, [maxima], r))).ToArray();
            var measured = candidates.Select(r => Decibels(Measure(input, maxima, r, random))).ToArray();
            Assert.All(predicted.Zip(measured), p => Assert.Equal(p.Second, p.First, 1.5));
            Assert.True(measured[Array.IndexOf(predicted, predicted.Min())] <= measured.Min() + 0.5);
        }
    }

    /// <summary>The squared error over the squared output, of normal values at every tap.</summary>
    private static double Measure(ScaledInput input, float[] maxima, float[] ratios, Random random)
    {
        var (layer, plan) = (input.Readers[0].Layer, input.Readers[0].Plan);
        var dims = layer.Weight!.Dims.ToArray();
        var exact = WeightChannels.Gather(layer.Weight.ToFloats().Span, dims, layer.ChannelAxis);
        var scaled = WeightChannels.Gather(
            ChannelScaling.Scale(layer, ratios).ToFloats().Span,
            dims,
            layer.ChannelAxis
        );
        var rounded = scaled
            .Select(row =>
            {
                var quantizer = UniformQuantizer.OfRange(row.Min(), row.Max(), plan.WeightBits!.Value);
                return row.Select(quantizer.Simulate).ToArray();
            })
            .ToArray();
        var most = maxima.Zip(ratios, (m, r) => m / r).Max();
        var inputs = UniformQuantizer.OfRange(-most, most, input.Point.Bits);
        var taps = exact[0].Length / input.Channels;
        var (error, signal) = (0.0, 0.0);
        for (var v = 0; v < Vectors; v++)
        {
            float[] x = [.. exact[0].Select((_, i) => Clipped(Normal(random)) * maxima[i / taps])];
            float[] codes = [.. x.Select((value, i) => inputs.Simulate(value / ratios[i / taps]))];
            for (var o = 0; o < exact.Length; o++)
            {
                var wanted = Dot(exact[o], x);
                error += Math.Pow(Dot(rounded[o], codes) - wanted, 2);
                signal += wanted * wanted;
            }
        }

        return error / signal;
    }

    private static float Clipped(float normal) => Math.Clamp(normal / Reach, -1, 1);

    private static double Dot(float[] a, float[] b) => a.Zip(b, (x, y) => (double)x * y).Sum();

    private static double Decibels(double error) => 10 * Math.Log10(error);

    private static float Normal(Random random) =>
        (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
}
