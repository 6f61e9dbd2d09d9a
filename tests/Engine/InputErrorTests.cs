using DiffusionQuant.Onnx.Diagnostics;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine.Tests;

public sealed class InputErrorTests
{
    private static DiffusionQuantException Failure(string[]? outputs, params (string Name, OrtValue Value)[] inputs)
    {
        using var session = ModelSession.Load(TinyModels.SumAndProduct());
        try
        {
            var given = inputs.ToDictionary(i => i.Name, i => i.Value);
            return Assert.Throws<DiffusionQuantException>(() => session.Run(given, outputs));
        }
        finally
        {
            foreach (var (_, value) in inputs)
            {
                value.Dispose();
            }
        }
    }

    [Fact]
    public void An_input_that_is_not_given_is_named()
    {
        var e = Failure(null);
        Assert.Equal("DQ4013", e.Code);
        Assert.Contains("x: Float[batch,3]", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_input_that_is_not_known_is_named_with_those_that_are()
    {
        var e = Failure(null, ("x", Tensors.Of(new float[3], 1, 3)), ("y", Tensors.Of(new float[3], 1, 3)));
        Assert.Equal("DQ4012", e.Code);
        Assert.Contains("'y'", e.Message, StringComparison.Ordinal);
        Assert.Contains("'x'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_type_is_told_with_the_right_one()
    {
        var e = Failure(null, ("x", Tensors.Of(new double[3], 1, 3)));
        Assert.Equal("DQ4014", e.Code);
        Assert.Contains("'x'", e.Message, StringComparison.Ordinal);
        Assert.Contains("Float, not Double", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new long[] { 1, 4 })]
    [InlineData(new long[] { 4 })]
    [InlineData(new long[] { 1, 1, 3 })]
    public void A_wrong_shape_is_told_with_the_right_one(long[] dims)
    {
        var e = Failure(null, ("x", Tensors.Of(new float[dims.Aggregate((a, b) => a * b)], dims)));
        Assert.Equal("DQ4015", e.Code);
        Assert.Contains("[batch,3]", e.Message, StringComparison.Ordinal);
        Assert.Contains($"[{string.Join(',', dims)}]", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_output_that_is_not_known_is_named_with_those_that_are()
    {
        var e = Failure(["sum", "quotient"], ("x", Tensors.Of(new float[3], 1, 3)));
        Assert.Equal("DQ4016", e.Code);
        Assert.Contains("'quotient'", e.Message, StringComparison.Ordinal);
        Assert.Contains("'product'", e.Message, StringComparison.Ordinal);
    }
}
