using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Tests.Agreement;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Tests.Export;

/// <summary>
/// The exported layer and its simulation, on the same inputs, over bit widths and random shapes.
/// </summary>
public class SimulationAgreementTests
{
    public static TheoryData<string, int> Cases()
    {
        var cases = new TheoryData<string, int>();
        string[] bits = ["W8A8", "W4A8", "W3A6", "W2A4", "W5A7", "W6A6", "W7A5", "W4A4"];
        for (var i = 0; i < 3 * bits.Length; i++)
        {
            cases.Add(bits[i % bits.Length], i);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Convolution(string bits, int seed)
    {
        var random = new Random(seed);
        var groups = random.Next(3) == 0 ? 2 : 1;
        var (channels, filters) = (groups * random.Next(1, 9), groups * random.Next(1, 17));
        var (kernel, stride, dilation) = (random.Next(1, 4), random.Next(1, 3), random.Next(1, 3));
        var rank = random.Next(1, 3);
        long[] input =
        [
            random.Next(1, 4),
            channels,
            .. Enumerable.Range(0, rank).Select(_ => (long)random.Next(7, 14)),
        ];
        long[] weight = [filters, channels / groups, .. Enumerable.Repeat((long)kernel, rank)];
        var model = TestModels.OneLayer(
            "Conv",
            input,
            OnnxTensor.Of("w", TestModels.Numbers(seed, weight.Aggregate((a, b) => a * b), 0.3).AsSpan(), weight),
            random.Next(4) == 0
                ? null
                : OnnxTensor.Of("b", TestModels.Numbers(seed + 1, filters, 0.5).AsSpan(), filters),
            ("group", (long)groups),
            ("strides", Enumerable.Repeat((long)stride, rank).ToArray()),
            ("dilations", Enumerable.Repeat((long)dilation, rank).ToArray()),
            ("pads", Enumerable.Repeat((long)random.Next(0, 2), 2 * rank).ToArray())
        );
        AssertAgrees(model, bits, input, seed);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gemm(string bits, int seed)
    {
        var random = new Random(seed);
        var (rows, depth, columns) = (random.Next(1, 20), random.Next(1, 40), random.Next(1, 30));
        var transposed = seed % 2 == 0;
        long[] weight = transposed ? [columns, depth] : [depth, columns];
        var model = TestModels.OneLayer(
            "Gemm",
            [rows, depth],
            OnnxTensor.Of("w", TestModels.Numbers(seed, depth * columns, 0.3).AsSpan(), weight),
            OnnxTensor.Of("b", TestModels.Numbers(seed + 1, columns, 0.5).AsSpan(), columns),
            ("transB", transposed ? 1L : 0L)
        );
        AssertAgrees(model, bits, [rows, depth], seed);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Linear(string bits, int seed)
    {
        var random = new Random(seed);
        var (batch, rows, depth, columns) = (
            random.Next(1, 4),
            random.Next(1, 20),
            random.Next(1, 40),
            random.Next(1, 30)
        );
        var model = TestModels.OneLayer(
            "MatMul",
            [batch, rows, depth],
            OnnxTensor.Of("w", TestModels.Numbers(seed, depth * columns, 0.3).AsSpan(), depth, columns),
            null
        );
        AssertAgrees(model, bits, [batch, rows, depth], seed);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Attention(string bits, int seed)
    {
        var random = new Random(seed);
        var (batch, tokens, depth) = (random.Next(1, 4), random.Next(2, 20), random.Next(1, 30));
        var graph = new OnnxGraph { Name = "attention" };
        graph.Inputs.Add(new("x", ElementType.Float, TensorShape.Of(batch, tokens, depth)));
        graph.Outputs.Add(new("y", ElementType.Float, null));
        var transpose = new OnnxNode("Transpose", ["x"], ["k"], "transpose")
        {
            Attributes = { ["perm"] = new long[] { 0, 2, 1 } },
        };
        graph.Nodes.AddRange([
            transpose,
            new("MatMul", ["x", "k"], ["scores"], "scores"),
            new("Softmax", ["scores"], ["a"], "softmax") { Attributes = { ["axis"] = -1L } },
            new("MatMul", ["a", "x"], ["y"], "product"),
        ]);
        var model = new OnnxModel(graph) { Opset = 17 };
        AssertAgrees(model, bits, [batch, tokens, depth], seed);
    }

    private static void AssertAgrees(OnnxModel model, string bits, long[] shape, int seed)
    {
        var values = TestModels.Numbers(seed + 2, shape.Aggregate((a, b) => a * b), 1.5);
        using var x = Tensors.Of(values, shape);
        // A lone layer is first and last; the rule takes the policy's 8 bits from it.
        var inputs = new Dictionary<string, OrtValue> { ["x"] = x };
        var planned = new PlannedModel(model, bits, inputs, [$"*={bits}"]);
        Assert.All(planned.Plan.Layers, l => Assert.Equal(LayerMode.Integer, l.Mode));

        PointAgreement.AssertAgree(model, planned.Plan, planned.Exported, inputs);
    }
}
