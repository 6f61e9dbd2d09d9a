using System.Runtime.InteropServices;
using System.Text.Json;
using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Tests.Gradients;

/// <summary>Whole blocks have PyTorch's losses and gradients, which <c>torch_blocks.py</c> wrote.</summary>
public sealed class TorchAgreementTests
{
    private static readonly Dictionary<string, Expected> Blocks = JsonSerializer.Deserialize<
        Dictionary<string, Expected>
    >(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Gradients", "Data", "torch_blocks.json")),
        JsonSerializerOptions.Web
    )!;

    [Theory]
    [InlineData("residual")]
    [InlineData("convolutions")]
    [InlineData("attention")]
    [InlineData("transformer")]
    [InlineData("quantized")]
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
            AssertClose(name, Decode(expected.Gradients[name]), Tensors.ToFloats(outputs[gradients[name]]), 2e-5f);
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
            AssertClose(name, Decode(stepped), session.Read(name), 1e-4f);
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

    private static float[] Decode(string text) =>
        MemoryMarshal.Cast<byte, float>(Convert.FromBase64String(text)).ToArray();

    private sealed record Expected(
        double Loss,
        Dictionary<string, string> Gradients,
        Dictionary<string, string>? Stepped
    );
}
