using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Pipelines.Tests;

/// <summary>Graphs that change their precision compute what they did.</summary>
public sealed class FloatPrecisionTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Half_becomes_single(bool keepsFloatImages)
    {
        var half = DdpmUNet.Build(
            DdpmUNetSettings.Tiny with
            {
                HalfPrecision = true,
                KeepFloatImages = keepsFloatImages,
            }
        );
        var single = FloatPrecision.ToFloat32(half);
        Assert.Contains(half.Graph.Initializers.Values, t => t.ElementType == ElementType.Float16);
        Assert.DoesNotContain(single.Graph.Initializers.Values, t => t.ElementType == ElementType.Float16);
        Assert.All(
            single.Graph.Inputs.Concat(single.Graph.Outputs),
            i => Assert.NotEqual(ElementType.Float16, i.ElementType)
        );
        Near(Output(half), Output(single), 0.02);
    }

    [Fact]
    public void Weights_that_are_kept_as_half_take_half()
    {
        var single = DdpmUNet.Build(DdpmUNetSettings.Tiny);
        var stored = FloatPrecision.StoreHalf(single);
        Assert.InRange(stored.ToBytes().Length, 0, single.ToBytes().Length * 0.75);
        Near(Output(single), Output(stored), 0.005);
    }

    [Fact]
    public void Weights_beyond_half_s_range_stay()
    {
        var b = new GraphBuilder("large", opset: 17);
        var x = b.Input("x", ElementType.Float, 1, 64);
        var weights = Enumerable.Repeat(1e6f, 64).ToArray();
        b.Output(x * b.Parameter("w", OnnxTensor.Of("", weights, 1, 64)), new ValueInfo("y", ElementType.Float, null));
        var stored = FloatPrecision.StoreHalf(b.Build());
        Assert.Equal(ElementType.Float, stored.Graph.Initializers["w"].ElementType);
    }

    private static float[] Output(OnnxModel model)
    {
        var denoiser = DiffusionModel.Of(model, NoisePath.Of(new()));
        using var session = ModelSession.Load(model);
        using var network = new OnnxDenoiser(session, denoiser.Contract);
        var shape = denoiser.SampleShape;
        return network.Predict(
            new()
            {
                Count = 1,
                Samples = [.. Enumerable.Range(0, shape.Length).Select(i => MathF.Sin(i))],
                Timesteps = [500],
            }
        );
    }

    private static void Near(float[] expected, float[] actual, double share)
    {
        var allowed = expected.Max(Math.Abs) * share;
        Assert.All(expected.Zip(actual), p => Assert.Equal(p.First, p.Second, allowed));
    }
}
