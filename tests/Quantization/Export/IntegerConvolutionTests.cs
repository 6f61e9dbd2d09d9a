using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Tests.Agreement;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Tests.Export;

/// <summary>The exported convolution against sums in int32.</summary>
public class IntegerConvolutionTests
{
    [Theory]
    [InlineData("W8A8", 4, 16, 9)]
    [InlineData("W4A8", 16, 32, 8)]
    [InlineData("W3A6", 8, 16, 11)]
    [InlineData("W2A4", 5, 7, 6)]
    [InlineData("W8A8", 32, 64, 16)]
    public void CodesAreThoseOfInt32Arithmetic(string bits, int channels, int filters, int size)
    {
        long[] shape = [2, channels, size, size];
        var weight = OnnxTensor.Of(
            "w",
            TestModels.Numbers(1, filters * channels * 9, 0.2).AsSpan(),
            filters,
            channels,
            3,
            3
        );
        var bias = OnnxTensor.Of("b", TestModels.Numbers(2, filters, 0.5).AsSpan(), filters);
        var model = TestModels.OneLayer("Conv", shape, weight, bias, ("pads", new long[] { 1, 1, 1, 1 }));
        var values = TestModels.Numbers(3, 2 * channels * size * size);
        using var x = Tensors.Of(values, shape);
        var planned = new PlannedModel(model, bits, new Dictionary<string, OrtValue> { ["x"] = x }, [$"*={bits}"]);
        var layer = planned.Plan.Layers[0];
        var (input, output) = (planned.Plan.Activations[layer.Inputs[0]], planned.Plan.Activations[layer.Output!]);
        var codes = planned
            .Exported.Graph.Nodes.First(n => n.Is("QuantizeLinear") && n.Inputs[0].EndsWith("_raw"))
            .Outputs[0];
        var exported = planned.Exported.Clone();
        var reader = exported.Graph.Nodes.Single(n => n.Name == layer.Layer).Inputs[0];
        var read = exported.Graph.Nodes.Single(n => n.Outputs.Contains(reader)).Inputs[0];
        exported.Graph.Outputs.Add(new(read, ElementType.UInt8, null));
        exported.Graph.Outputs.Add(new(codes, ElementType.UInt8, null));

        using var session = ModelSession.Load(exported);
        using var outputs = session.Run(new Dictionary<string, OrtValue> { ["x"] = x });
        var actual = Tensors.ToFloats(outputs[codes]);
        var inputCodes = Tensors.ToFloats(outputs[read]);
        CodeAgreement.AssertAgree([.. values.Select(v => (float)input.Quantize(v))], inputCodes, 1, "input");

        var (w, scales) = (layer.Weight!.ToInt8(), layer.Weight.Scales);
        var q = inputCodes.Select(c => (int)c - input.ZeroPoint).ToArray();
        var expected = new float[actual.Length];
        var i = 0;
        for (var n = 0; n < 2; n++)
        for (var f = 0; f < filters; f++)
        for (var r = 0; r < size; r++)
        for (var c = 0; c < size; c++, i++)
        {
            var sum = (int)Math.Round(bias.ToFloats().Span[f] / (double)(scales[f] * input.Scale));
            for (var ch = 0; ch < channels; ch++)
            for (var kr = 0; kr < 3; kr++)
            for (var kc = 0; kc < 3; kc++)
            {
                var (y, z) = (r + kr - 1, c + kc - 1);
                if (y >= 0 && y < size && z >= 0 && z < size)
                {
                    sum +=
                        q[(((n * channels) + ch) * size + y) * size + z] * w[(((f * channels) + ch) * 3 + kr) * 3 + kc];
                }
            }

            // The kernel multiplies by one float per channel and rounds half to even.
            var multiplier = input.Scale * scales[f] / output.Scale;
            expected[i] = Math.Clamp(MathF.Round(sum * multiplier) + output.ZeroPoint, 0, 255);
        }

        CodeAgreement.AssertAgree(expected, actual, 1, "output");
    }
}
