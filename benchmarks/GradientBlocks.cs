using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Benchmarks;

/// <summary>Writes the blocks of <see cref="GradientBenchmark"/>, as exporters write them.</summary>
internal sealed class GradientBlocks
{
    private const int Groups = 32;
    private const int TimeChannels = 512;
    private readonly GraphBuilder builder = new("block", opset: 17);
    private readonly SeededWeights weights = new(7);
    private readonly List<Parameter> parameters = [];
    private readonly List<OnnxTensor> inputs = [];

    private GradientBlocks() { }

    /// <summary>A residual block of DDPM, all of whose parameters are tuned.</summary>
    public static GradientBlock Residual(int batch, int channels, int size)
    {
        var b = new GradientBlocks();
        var x = b.Given("x", b.weights.Around(0, 1.7f, [batch, channels, size, size]));
        var time = b.Given("time", b.weights.Around(0, 1, [batch, TimeChannels]));
        var h = b.builder.Silu(b.GroupNorm("norm1", x, b.Tuned, channels));
        h = b.Conv("conv1", h, channels, kernel: 3);
        var weight = b.Tuned("time.weight", b.weights.Kaiming([channels, TimeChannels]));
        var shift = b.builder.Linear(time, weight, b.Tuned("time.bias", b.weights.Around(0, 0.1f, [channels])));
        h += b.builder.Unsqueeze(b.builder.Unsqueeze(shift, 2), 3);
        h = b.builder.Silu(b.GroupNorm("norm2", h, b.Tuned, channels));
        h = b.Conv("conv2", h, channels, kernel: 3);
        return b.Finish($"residual {channels}, {size}×{size}, batch {batch}", b.Distance(x + h, x, []));
    }

    /// <summary>A block of self-attention with one head, all of whose parameters are tuned.</summary>
    public static GradientBlock Attention(int batch, int channels, int size)
    {
        var b = new GradientBlocks();
        long[] flat = [batch, channels, size * size];
        var x = b.Given("x", b.weights.Around(0, 1.7f, [batch, channels, size, size]));
        var h = b.GroupNorm("norm", x, b.Tuned, channels);
        var q = b.builder.Reshape(b.Conv("q", h, channels, kernel: 1), flat);
        var k = b.builder.Reshape(b.Conv("k", h, channels, kernel: 1), flat);
        var v = b.builder.Reshape(b.Conv("v", h, channels, kernel: 1), flat);
        var scores = b.builder.MatMul(b.builder.Transpose(q, 0, 2, 1), k);
        var probabilities = b.builder.Softmax(scores * b.builder.Scalar(1 / MathF.Sqrt(channels)));
        var mixed = b.builder.MatMul(v, b.builder.Transpose(probabilities, 0, 2, 1));
        var image = b.builder.Reshape(mixed, [batch, channels, size, size]);
        var result = b.Conv("out", image, channels, kernel: 1);
        return b.Finish($"attention {channels}, {size}×{size}, batch {batch}", b.Distance(x + result, x, []));
    }

    /// <summary>What block reconstruction runs: inputs of convolutions with learned steps, weights with soft rounding.</summary>
    public static GradientBlock Reconstruction(int batch, int channels, int size)
    {
        var b = new GradientBlocks();
        var x = b.Given("x", b.weights.Around(0, 1.7f, [batch, channels, size, size]));
        long[] dims = [batch, channels, size, size];
        var soft = new List<Value>();
        var h = b.builder.Silu(b.GroupNorm("norm1", x, b.Given, channels));
        h = b.QuantizedConv("conv1", h, dims, soft);
        h = b.builder.Silu(b.GroupNorm("norm2", h, b.Given, channels));
        h = b.QuantizedConv("conv2", h, dims, soft);
        return b.Finish($"reconstruction {channels}, {size}×{size}, batch {batch}", b.Distance(x + h, x, soft));
    }

    private Value QuantizedConv(string name, Value x, long[] dims, List<Value> soft)
    {
        var channels = dims[1];
        const int Zero = 20;
        const int MaxCode = 255;
        var step = Tuned($"{name}.step", OnnxTensor.Scalar("", 0.015f));
        var elements = dims.Aggregate(1L, (a, n) => a * n);
        var node = builder.Node(
            QuantizerOperators.FakeQuantize,
            [x, step],
            4,
            [
                ("zero_point", (long)Zero),
                ("max_code", (long)MaxCode),
                ("gradient_scale", 1 / MathF.Sqrt((float)elements * MaxCode)),
            ],
            QuantizerOperators.Domain
        );
        var floor = weights.Around(0, 7.5f, [channels, channels, 3, 3]).ToFloats().ToArray().Select(MathF.Floor);
        var rounding = Tuned($"{name}.rounding", weights.Around(0, 3, [channels, channels, 3, 3]));
        var stretched = (builder.Op("Sigmoid", rounding) * builder.Scalar(1.2f)) + builder.Scalar(-0.1f);
        soft.Add(builder.Op("Clip", stretched, builder.Scalar(0f), builder.Scalar(1f)));
        var codes =
            Given($"{name}.floor", OnnxTensor.Of("", floor.ToArray().AsSpan(), channels, channels, 3, 3)) + soft[^1];
        var clipped = builder.Op("Clip", codes, builder.Scalar(-8f), builder.Scalar(7f));
        var weight = clipped * Given($"{name}.scale", weights.Around(0.012f, 0.004f, [channels, 1, 1, 1]));
        var bias = Given($"{name}.bias", weights.Around(0, 0.1f, [channels]));
        return builder.Op(
            "Conv",
            [node[0], weight, bias],
            ("pads", new[] { 1L, 1, 1, 1 }),
            ("kernel_shape", new[] { 3L, 3 })
        );
    }

    private Value Conv(string name, Value x, int channels, int kernel)
    {
        var weight = Tuned($"{name}.weight", weights.Kaiming([channels, channels, kernel, kernel]));
        var bias = Tuned($"{name}.bias", weights.Around(0, 0.1f, [channels]));
        long pad = kernel / 2;
        return builder.Op(
            "Conv",
            [x, weight, bias],
            ("pads", new[] { pad, pad, pad, pad }),
            ("kernel_shape", new long[] { kernel, kernel })
        );
    }

    private Value GroupNorm(string name, Value x, Func<string, OnnxTensor, Value> add, int channels)
    {
        var ones = builder.Constant(OnnxTensor.Of("", Enumerable.Repeat(1f, Groups).ToArray().AsSpan(), Groups));
        var zeros = builder.Constant(OnnxTensor.Of("", new float[Groups].AsSpan(), Groups));
        var grouped = builder.Reshape(x, 0, Groups, -1);
        var normalized = builder.Op("InstanceNormalization", [grouped, ones, zeros], ("epsilon", 1e-5f));
        var restored = builder.Reshape(normalized, builder.Op("Shape", x));
        return (restored * add($"{name}.weight", weights.Around(1, 0.2f, [channels, 1, 1])))
            + add($"{name}.bias", weights.Around(0, 0.2f, [channels, 1, 1]));
    }

    /// <summary>The mean square of what lies between a block's output and its target, and how far weights are from rounded.</summary>
    private Value Distance(Value output, Value like, List<Value> soft)
    {
        var dims = inputs.First(i => i.Name == like.Name).Dims;
        var difference = output - Given("target", weights.Around(0, 1.7f, dims));

        // Means of means: ONNX Runtime's sums over millions of elements are off in the fifth digit.
        var loss = builder.ReduceMean(builder.ReduceMean(difference * difference, [1, 2, 3]), [0, 1, 2, 3], false);
        foreach (var share in soft)
        {
            var centred = builder.Op("Abs", (share * builder.Scalar(2f)) - builder.Scalar(1f));
            var far = builder.Scalar(1f) - builder.Op("Pow", centred, builder.Scalar(8f));
            loss += builder.Op("ReduceSum", [far], ("keepdims", 0L)) * builder.Scalar(1e-4f);
        }

        return loss;
    }

    private GradientBlock Finish(string name, Value loss)
    {
        builder.Output(loss, GradientBlock.Loss, ElementType.Float);
        return new(name, builder.Build(), parameters, inputs);
    }

    private Value Given(string name, OnnxTensor tensor)
    {
        inputs.Add(tensor.WithName(name));
        return Input(name, tensor);
    }

    private Value Tuned(string name, OnnxTensor tensor)
    {
        parameters.Add(new(tensor.WithName(name), new(GradientBlock.LearningRate)));
        return Input(name, tensor);
    }

    private Value Input(string name, OnnxTensor tensor) =>
        builder.Input(name, ElementType.Float, [.. tensor.Dims.ToArray().Select(d => (Dimension)d)]);
}
