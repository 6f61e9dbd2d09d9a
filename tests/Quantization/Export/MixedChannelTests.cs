using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Export;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Tests.Agreement;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Tests.Export;

/// <summary>Weights whose output channels have different widths: what the file decodes to, how it runs, how large it is.</summary>
public class MixedChannelTests
{
    /// <summary>Bits N − 1, N and N + 1, as many of the first as of the last, in no order.</summary>
    private static Func<QuantizableLayer, int[]> Mixed(int bits, int seed) =>
        layer =>
        {
            var channels = (int)layer.Weight!.Dims[layer.ChannelAxis];
            int[] widths =
            [
                .. Enumerable.Repeat(bits - 1, channels / 4),
                .. Enumerable.Repeat(bits + 1, channels / 4),
                .. Enumerable.Repeat(bits, channels - (2 * (channels / 4))),
            ];
            new Random(seed).Shuffle(widths);
            return widths;
        };

    private static OnnxTensor Weight(int seed, params long[] dims) =>
        OnnxTensor.Of("w", TestModels.Numbers(seed, dims.Aggregate((a, b) => a * b), 0.3).AsSpan(), dims);

    private static (OnnxModel Model, long[] Input) Layer(string form)
    {
        var bias = OnnxTensor.Of("b", TestModels.Numbers(4, 22, 0.5).AsSpan(), 22);
        return form switch
        {
            "Conv" => (
                TestModels.OneLayer(
                    "Conv",
                    [2, 6, 7, 5],
                    Weight(1, 22, 6, 3, 3),
                    bias,
                    ("pads", new long[] { 1, 1, 1, 1 })
                ),
                [2, 6, 7, 5]
            ),
            "Conv in groups" => (
                TestModels.OneLayer("Conv", [2, 22, 7, 5], Weight(1, 22, 1, 3, 3), bias, ("group", 22L)),
                [2, 22, 7, 5]
            ),
            "Gemm" => (TestModels.OneLayer("Gemm", [9, 13], Weight(1, 13, 22), bias), [9, 13]),
            "Gemm, transposed" => (
                TestModels.OneLayer("Gemm", [9, 13], Weight(1, 22, 13), bias, ("transB", 1L)),
                [9, 13]
            ),
            "ConvTranspose" => (
                TestModels.OneLayer("ConvTranspose", [2, 6, 7, 5], Weight(1, 6, 22, 2, 2), bias),
                [2, 6, 7, 5]
            ),
            _ => (TestModels.OneLayer("MatMul", [2, 9, 13], Weight(1, 13, 22), null), [2, 9, 13]),
        };
    }

    public static TheoryData<string, string> Layers()
    {
        var cases = new TheoryData<string, string>();
        foreach (
            var form in (string[])["Conv", "Conv in groups", "Gemm", "Gemm, transposed", "MatMul", "ConvTranspose"]
        )
        {
            foreach (var bits in (string[])["W2A8", "W3A6", "W4A4", "W7A8", "W2A32", "W3A32", "W4A32"])
            {
                cases.Add(form, bits);
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public void TheFileDecodesToThePlannedIntegersAndAgreesWithTheSimulation(string form, string bits)
    {
        var (model, dims) = Layer(form);
        using var x = Tensors.Of(TestModels.Numbers(3, dims.Aggregate((a, b) => a * b), 1.5), dims);
        var inputs = new Dictionary<string, OrtValue> { ["x"] = x };
        var planned = new PlannedModel(model, bits, inputs, [$"*={bits}"], channelBits: Mixed(bits[1] - '0', 8));
        var layer = planned.Plan.Layers[0];
        Assert.Equal(3, layer.Weight!.Widths.Count);
        Assert.Equal(layer.ChannelBits, layer.Weight.Quantizers.Select(q => q.Bits));
        AssertDecodes(planned, layer, x);
        PointAgreement.AssertAgree(model, planned.Plan, planned.Exported, inputs);
    }

    /// <summary>The weight that the layer's kernel gets is the plan's: as integers for integer layers, as floats for others.</summary>
    private static void AssertDecodes(PlannedModel planned, LayerPlan layer, OrtValue x)
    {
        var model = planned.Exported.Clone();
        var reader = model.Graph.Nodes.Single(n => n.Name == layer.Layer);
        var weight = reader.Inputs[1];
        if (layer.Mode == LayerMode.Integer)
        {
            weight = model.Graph.Nodes.Single(n => n.Outputs.Contains(weight)).Inputs[0];
        }

        model.Graph.Outputs.Add(new(weight, ElementType.Undefined, null));
        using var session = ModelSession.Load(model);
        using var outputs = session.Run(new Dictionary<string, OrtValue> { ["x"] = x });
        if (layer.Mode == LayerMode.Integer)
        {
            Assert.Equal(layer.Weight!.ToInt8(), outputs[weight].GetTensorDataAsSpan<sbyte>().ToArray());
        }
        else
        {
            Assert.Equal(layer.Weight!.ToFloats(), Tensors.ToFloats(outputs[weight]));
        }
    }

    [Theory]
    [InlineData("Conv", "W3A8", "QLinearConv")]
    [InlineData("Gemm", "W3A8", "QGemm")]
    [InlineData("MatMul", "W3A8", "MatMulIntegerToFloat")]
    [InlineData("Conv", "W3A32", "Conv")]
    public void NothingIsLeftToDecodeOnceTheFileIsLoaded(string form, string bits, string kernel)
    {
        var (model, dims) = Layer(form);
        using var x = Tensors.Of(TestModels.Numbers(3, dims.Aggregate((a, b) => a * b), 1.5), dims);
        var inputs = new Dictionary<string, OrtValue> { ["x"] = x };
        var planned = new PlannedModel(model, bits, inputs, [$"*={bits}"], channelBits: Mixed(3, 8));
        var operators = Runs.OptimizedOperators(planned.Exported);
        Assert.Equal(1, operators.GetValueOrDefault(kernel));
        Assert.Empty(operators.Keys.Intersect(["BitShift", "Concat", "Gather", "Sub", "Cast"]));
    }

    [Theory]
    [InlineData("W2A8", ElementType.Float)]
    [InlineData("W3A8", ElementType.Float)]
    [InlineData("W4A8", ElementType.Float)]
    [InlineData("W4A32", ElementType.Float)]
    [InlineData("W3A32", ElementType.Float16)]
    public void AFileIsTheSumOfItsBitsAndLittleMore(string bits, ElementType type)
    {
        const int channels = 256;
        var weight = OnnxTensor.Of(
            "w",
            TestModels.Numbers(1, channels * channels * 9, 0.1).AsSpan(),
            channels,
            channels,
            3,
            3
        );
        if (type == ElementType.Float16)
        {
            weight = new OnnxTensor(
                "w",
                type,
                [channels, channels, 3, 3],
                new byte[2 * weight.ElementCount]
            ).WithFloats(weight.ToFloats().Span);
        }

        var model = TestModels.OneLayer("Conv", [1, channels, 8, 8], weight, null);
        model.Graph.Inputs[0] = new("x", type, TensorShape.Of(1, channels, 8, 8));
        model.Graph.Outputs[0] = new("y", type, null);
        using var x = Tensors.FromFloats(TestModels.Numbers(2, channels * 64), [1, channels, 8, 8], type);
        var inputs = new Dictionary<string, OrtValue> { ["x"] = x };
        var planned = new PlannedModel(model, bits, inputs, [$"*={bits}"], channelBits: Mixed(bits[1] - '0', 5));

        var sum = planned.Plan.Layers[0].ChannelBits!.Sum(b => (long)b * channels * 9) / 8;
        var perChannel = channels * (sizeof(float) + sizeof(byte) + sizeof(ushort));
        var size = planned.Exported.ToBytes().Length;
        Assert.InRange(size - perChannel, sum, 1.03 * sum);
        // The weights' own bytes, without the numbers per channel: not one too many.
        var packed = planned.Exported.Graph.Initializers.Values.Where(t => t.Name.Contains("_packed"));
        Assert.Equal(sum, packed.Sum(t => t.Data.Length));
    }

    [Fact]
    public void UnpackingEachWidthAndOrderingGivesTheCodesBack() =>
        Check.QuickThrowOnFailure(
            Prop.ForAll(
                Gen.Choose(1, 40)
                    .SelectMany(channels =>
                        Gen.Choose(1, 30).SelectMany(size => Gen.Choose(0, 1000).Select(seed => (channels, size, seed)))
                    )
                    .ToArbitrary(),
                t =>
                {
                    var random = new Random(t.seed);
                    long[] dims = t.seed % 2 == 0 ? [t.channels, t.size] : [t.size, t.channels];
                    var axis = t.seed % 2;
                    UniformQuantizer[] quantizers =
                    [
                        .. Enumerable.Range(0, t.channels).Select(_ => new UniformQuantizer(1, 0, random.Next(1, 9))),
                    ];
                    var values = Enumerable
                        .Range(0, t.channels * t.size)
                        .Select(_ => (float)random.Next(256))
                        .ToArray();
                    var weight = WeightQuantizer.Quantize(values, dims, axis, quantizers);
                    var decoded = new byte[t.channels][];
                    foreach (var (bits, channels) in weight.Widths)
                    {
                        var part = weight.Part(channels);
                        var codes = BitPacking.Unpack(BitPacking.Pack(part.Codes.Span, bits), part.Codes.Length);
                        var rows = WeightChannels.Gather<byte>(codes, part.Dims, axis);
                        foreach (var (channel, row) in channels.Zip(rows))
                        {
                            decoded[channel] = row;
                        }
                    }

                    return WeightChannels.Scatter(decoded, dims, axis).AsSpan().SequenceEqual(weight.Codes.Span);
                }
            )
        );
}
