using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Tests.Generality;

/// <summary>Joined channels of which a part has none, as networks of variable width are exported: ONNX Runtime runs them.</summary>
public sealed class EmptyPartsTests
{
    private const int C = Scaffold.Channels;
    private readonly Scaffold scaffold = new();

    [Theory]
    [InlineData("first", "mse", "W8A8", 1)]
    [InlineData("last", "minmax", "W8A8", -3)]
    [InlineData("middle", "mse", "W6A8", 1)]
    [InlineData("middle", "minmax", "W8A8", 1)]
    [InlineData("both", "mse", "W4A16", 1)]
    [InlineData("all but one", "gptq", "W6A8", 1)]
    public void They_are_quantized_as_if_the_part_were_not_there(string place, string method, string bits, long axis)
    {
        using var model = new QuantizedModel(
            scaffold.Build((b, h, _) => Join(b, h, place, axis)),
            bits,
            recipe => recipe with { Method = method, Effort = Effort.Quick }
        );
        model.AssertSound(12);
    }

    /// <summary>ONNX Runtime maps weights of large models from a file.</summary>
    [Fact]
    public void They_are_quantized_from_a_temporary_file_too()
    {
        using var model = new QuantizedModel(
            scaffold.Build(
                (b, h, _) =>
                {
                    var wide = (33 << 20) / sizeof(float) / C;
                    var large = b.Parameter(
                        "large",
                        OnnxTensor.Of("large", new float[wide * C].AsSpan(), wide, C, 1, 1)
                    );
                    return Join(b, h, "middle", 1) + b.ReduceMean(b.Conv(h, large), [1]);
                }
            ),
            "W8A8",
            recipe => recipe with { Method = "minmax" }
        );
        model.AssertSound(12);
    }

    private Value Join(GraphBuilder b, Value h, string place, long axis)
    {
        Value Channels(long from, long to) => b.Op("Slice", h, b.Constant(from), b.Constant(to), b.Constant(1));
        Value[] parts = place switch
        {
            "first" => [Channels(0, 0), h],
            "last" => [h, Channels(C, C)],
            "middle" => [h, Channels(4, 4), b.Silu(h)],
            "both" => [Channels(0, 0), h, b.Silu(h), Channels(5, 5)],
            _ => [b.Conv(h, Weight(b, C, C, 1, 1)), Channels(2, 2)],
        };
        var joined = b.Op("Concat", parts, ("axis", axis));
        var width = place is "middle" or "both" ? 2 * C : C;
        return h
            + b.Conv(b.Silu(joined), Weight(b, C, width, 3, 3), null, 1)
            + b.Conv(joined, Weight(b, C, width, 1, 1));
    }

    private Value Weight(GraphBuilder b, params long[] dims) => b.Parameter("weight", scaffold.Weight(dims));
}
