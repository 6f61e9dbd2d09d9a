using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Engine.Tests.Optimizers;

/// <summary>Chains of blocks, deep enough that there is something to compute again; the loss is the output's mean square.</summary>
internal static class DeepBlocks
{
    /// <summary>A chain's graph with its parameters.</summary>
    /// <param name="kind"><c>residual</c>, <c>attention</c>, or <c>quantized</c> for residual blocks whose convolutions read
    /// fake-quantized values.</param>
    /// <param name="blocks">How many blocks.</param>
    /// <param name="channels">Their channels.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="size">Height and width.</param>
    public static (OnnxModel Model, Parameter[] Parameters) Build(
        string kind,
        int blocks,
        int channels,
        int batch,
        int size
    )
    {
        var b = new GraphBuilder("blocks", opset: 17);
        var weights = new SeededWeights(3);
        var h = b.Input("x", ElementType.Float, batch, channels, size, size);
        for (var i = 0; i < blocks; i++)
        {
            h += kind == "attention" ? Attention($"block{i}", h) : Residual($"block{i}", h);
        }

        b.Output(b.ReduceMean(h * h, [0, 1, 2, 3], keepDimensions: false), "loss", ElementType.Float);
        var model = b.Build();
        var settings = new AdamSettings(0.01f);
        return (
            model,
            [
                .. model
                    .Graph.Initializers.Values.Where(t => t.Rank is > 0 and not 2)
                    .Select(t => new Parameter(t, settings)),
            ]
        );

        Value Residual(string name, Value x)
        {
            var r = Conv($"{name}.conv1", Quantized($"{name}.step1", b.Silu(GroupNorm(x))), 3);
            return Conv($"{name}.conv2", Quantized($"{name}.step2", b.Silu(r)), 3);
        }

        Value Attention(string name, Value x)
        {
            var n = GroupNorm(x);
            var (q, k, v) = (Flat($"{name}.q", n), Flat($"{name}.k", n), Flat($"{name}.v", n));
            var scores = b.MatMul(b.Transpose(q, 0, 2, 1), k) * b.Scalar(0.3f);
            var mixed = b.MatMul(v, b.Transpose(b.Softmax(scores), 0, 2, 1));
            return Conv($"{name}.out", b.Reshape(mixed, [batch, channels, size, size]), 1);
        }

        Value Flat(string name, Value x) => b.Reshape(Conv(name, x, 1), [batch, channels, size * size]);

        Value GroupNorm(Value x) =>
            b.GroupNorm(x, 2, weights.Around(1, 0.2f, [channels, 1, 1]), weights.Around(0, 0.2f, [channels, 1, 1]));

        Value Conv(string name, Value x, int kernel) =>
            b.Conv(
                x,
                b.Parameter($"{name}.weight", weights.Kaiming([channels, channels, kernel, kernel])),
                b.Parameter($"{name}.bias", weights.Around(0, 0.1f, [channels])),
                pads: kernel / 2
            );

        Value Quantized(string name, Value x) =>
            kind != "quantized"
                ? x
                : b.Node(
                    QuantizerOperators.FakeQuantize,
                    [x, b.Parameter(name, OnnxTensor.Of(name, [0.05f], 1))],
                    4,
                    [("zero_point", 8L), ("max_code", 63L), ("gradient_scale", 0.1f)],
                    QuantizerOperators.Domain
                )[0];
    }

    /// <summary>Trains for a few steps on seeded noise.</summary>
    public static (float[] Losses, Dictionary<string, float[]> Values) Train(TrainingGraph graph, int steps)
    {
        using var session = new TrainingSession(graph, steps, new() { Threads = 1 });
        var dims = graph.Model.Graph.Inputs.Find(i => i.Name == "x")!.Shape!.ToStatic();
        using var x = Tensors.FromTensor(new SeededWeights(5).Around(0, 1.7f, dims));
        session.Bind("x", x);
        float[] losses = [.. Enumerable.Range(0, steps).Select(_ => session.Run([]))];
        return (losses, session.State.Tensors.ToDictionary(StringComparer.Ordinal));
    }
}
