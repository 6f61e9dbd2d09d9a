using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Tests.Export;

/// <summary>Weights decode themselves in ONNX Runtime to exactly what the plan says, and are as small as promised.</summary>
public class PackedWeightTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void WeightOnlyModelsComputeWithTheDecodedWeights(int bits)
    {
        foreach (var type in (ElementType[])[ElementType.Float, ElementType.Float16])
        {
            // 7 × 5 × 3 × 3 elements: no multiple of anything.
            var values = TestModels.Numbers(bits, 315, 0.3);
            var weight = OnnxTensor.Of("w", values.AsSpan(), 7, 5, 3, 3);
            if (type == ElementType.Float16)
            {
                weight = new(
                    "w",
                    type,
                    [7, 5, 3, 3],
                    System
                        .Runtime.InteropServices.MemoryMarshal.AsBytes(values.Select(v => (Half)v).ToArray().AsSpan())
                        .ToArray()
                );
            }

            var model = TestModels.OneLayer("Conv", [1, 5, 6, 6], weight, null);
            model.Graph.Inputs[0] = new("x", type, TensorShape.Of(1, 5, 6, 6));
            model.Graph.Outputs[0] = new("y", type, null);
            var planned = new PlannedModel(model, $"W{bits}A32", new Dictionary<string, OrtValue>(), [$"*=W{bits}A32"]);
            var decoded = planned.Exported.Clone();
            var name = decoded.Graph.Nodes.Single(n => n.Is("Conv")).Inputs[1];
            decoded.Graph.Outputs.Add(new(name, type, null));

            using var session = ModelSession.Load(decoded);
            using var x = Tensors.FromFloats(TestModels.Numbers(1, 180), [1, 5, 6, 6], type);
            using var outputs = session.Run(new Dictionary<string, OrtValue> { ["x"] = x });
            var expected = planned.Plan.Layers[0].Weight!.ToFloats();
            var actual = Tensors.ToFloats(outputs[name]);
            for (var i = 0; i < expected.Length; i++)
            {
                Assert.Equal(type == ElementType.Float ? expected[i] : (float)(Half)expected[i], actual[i]);
            }
        }
    }

    [Theory]
    [InlineData("W2A8", 2)]
    [InlineData("W3A8", 3)]
    [InlineData("W4A8", 4)]
    [InlineData("W4A16", 4)]
    public void AFileIsItsBitsAndLittleMore(string bits, int width)
    {
        var weight = OnnxTensor.Of("w", TestModels.Numbers(1, 256 * 256 * 9, 0.1).AsSpan(), 256, 256, 3, 3);
        var model = TestModels.OneLayer("Conv", [1, 256, 8, 8], weight, null);
        using var x = Tensors.Of(TestModels.Numbers(2, 256 * 64), 1, 256, 8, 8);
        var planned = new PlannedModel(model, bits, new Dictionary<string, OrtValue> { ["x"] = x }, [$"*={bits}"]);
        var size = planned.Exported.ToBytes().Length;
        var packed = 256 * 256 * 9 * width / 8;
        Assert.InRange(size, packed, (packed * 1.03) + 4096);
    }
}
