using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using DiffusionQuant.Tests.Shared;
using Xunit.Abstractions;

namespace DiffusionQuant.Engine.Tests.Gradients;

/// <summary>Whole blocks have PyTorch's losses and gradients, which <see cref="TorchRecorder"/> wrote.</summary>
public sealed class TorchAgreementTests(ITestOutputHelper output)
{
    private static readonly Dictionary<string, TorchBlock> Blocks = TorchRecorder.Read<TorchBlock>(
        TorchRecorder.BlocksFile
    );

    public static TheoryData<string> Names => [.. TorchRecorder.BlockNames];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_block_has_the_gradients_of_PyTorch(string block)
    {
        var (model, tensors) = TorchBlocks.Build(block);
        var expected = Blocks[block];
        var wanted = expected.Gradients.Keys.ToArray();
        var gradients = GradientGraph.Append(model, "loss", wanted);
        model.Graph.Outputs.AddRange(
            wanted.Select(w => new ValueInfo(gradients[w], ElementType.Float, tensors[w].Shape))
        );
        QuantizerOperators.Lower(model);
        using var session = ModelSession.Load(model);
        var inputs = tensors.ToDictionary(t => t.Key, t => Tensors.FromTensor(t.Value));
        using var outputs = session.Run(inputs);

        Assert.Equal(expected.Loss, Tensors.ToFloats(outputs["loss"])[0], 1e-5 * expected.Loss);

        // Every tensor has a gradient, but what the rounding of weights starts from.
        Assert.Equal(block == "quantized" ? ["floor"] : [], tensors.Keys.Except(wanted));
        foreach (var name in wanted)
        {
            AssertClose(
                name,
                TorchRecorder.Decode(expected.Gradients[name]),
                Tensors.ToFloats(outputs[gradients[name]]),
                2e-5f
            );
        }
    }

    /// <summary>Where PyTorch is there, it still gives what was recorded.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void What_was_recorded_is_what_PyTorch_gives(string block)
    {
        if (TorchRuntime.Missing is { } reason)
        {
            output.WriteLine(reason);
            return;
        }

        var (recorded, live) = (Blocks[block], TorchRecorder.Block(block));
        Assert.Equal(recorded.Loss, live.Loss, 1e-5 * recorded.Loss);
        foreach (var (name, gradient) in recorded.Gradients)
        {
            AssertClose(name, TorchRecorder.Decode(gradient), TorchRecorder.Decode(live.Gradients[name]), 2e-5f);
        }
    }

    [Fact]
    public void Steps_of_AdamW_are_those_of_PyTorch()
    {
        var (model, tensors) = TorchBlocks.Build("transformer");
        var settings = new AdamSettings(0.01f) { WeightDecay = 0.1f };
        var graph = TrainingGraph.Build(model, "loss", [.. tensors.Values.Select(t => new Parameter(t, settings))]);
        using var session = new TrainingSession(graph, steps: 3);
        Assert.Equal(Blocks["transformer"].Loss, session.Run([]), 1e-5);
        session.Run([]);
        session.Run([]);
        foreach (var (name, stepped) in Blocks["transformer"].Stepped!)
        {
            AssertClose(name, TorchRecorder.Decode(stepped), session.Read(name), 1e-4f);
        }
    }

    /// <summary>The largest difference is small beside the largest element.</summary>
    private static void AssertClose(string name, float[] expected, float[] actual, float tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);

        // A gradient that is zero but for rounding (a key's bias) has no size to compare with.
        var size = Math.Max(expected.Max(Math.Abs), 1e-3f);
        var difference = expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max();
        Assert.True(difference <= tolerance * size, $"{name} differs by {difference} where it reaches {size}.");
    }
}
