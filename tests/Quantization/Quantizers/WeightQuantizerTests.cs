using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Tests.Quantizers;

public class WeightQuantizerTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void EveryChannelHasItsOwnRange(int axis)
    {
        long[] dims = [3, 3, 2];
        var weight = TestModels.Numbers(1, 18);
        for (var i = 0; i < 18; i++)
        {
            var channel = axis == 0 ? i / 6 : i / 2 % 3;
            weight[i] *= MathF.Pow(10, channel);
        }

        var quantized = WeightQuantizer.Quantize(weight, dims, axis, 8, new MinMaxRange());

        var values = quantized.ToFloats();
        for (var i = 0; i < 18; i++)
        {
            var channel = axis == 0 ? i / 6 : i / 2 % 3;
            Assert.Equal(weight[i], values[i], quantized.Scales[channel] * 0.5001);
        }

        Assert.True(quantized.Scales[2] > 20 * quantized.Scales[0]);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(8)]
    public void TheInt8FormIsExact(int bits)
    {
        var weight = TestModels.Numbers(bits, 16 * 9).Select(v => v + 0.7f).ToArray();
        var quantized = WeightQuantizer.Quantize(weight, [16, 9], 0, bits, new MseRange());
        var int8 = quantized.ToInt8();
        var floats = quantized.ToFloats();
        for (var i = 0; i < weight.Length; i++)
        {
            Assert.Equal(floats[i], quantized.Scales[i / 9] * int8[i]);
        }
    }
}
